/** listen: the mutual-TLS listener in front of a guarded broker. It takes guard's result, so it cannot run unguarded. */
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type Listener, openListener } from '../../accept/listener.ts'
import { webSocketService } from '../../accept/websocket.ts'
import { type Guarded, tracedPeer } from './guard.ts'

export interface ListenOptions {
  /** 0 picks a free port. */
  readonly port: number
  /** Default: all addresses. */
  readonly host?: string
  /** The broker's own key and certificate chain, PEM files. */
  readonly tls: { readonly keyFile: string; readonly certFile: string }
  /** Opens a second port for MQTT over WebSocket, at `wss://HOST:PORT/mqtt`. 0 picks a free one. */
  readonly wsPort?: number | undefined
  /** Web origins that may connect there. Default: none, so no browser. */
  readonly wsOrigins?: readonly string[] | undefined
}

export interface Listening extends Listener {
  /** Where WebSocket is served, if it is. */
  readonly wsAddress?: AddressInfo
}

/**
 * Opens the listener.
 * @example const listener = await listen(guarded, { port: 8883, tls: { keyFile: 'server.key', certFile: 'server.pem' } })
 */
export async function listen(guarded: Guarded, options: ListenOptions): Promise<Listening> {
  const [key, cert] = await Promise.all([readFile(options.tls.keyFile, 'utf8'), readFile(options.tls.certFile, 'utf8')])
  const { gate } = guarded
  const common = { key, cert, ca: gate.issuers.tlsCa, limits: gate.limits, trace: gate.trace }
  const { host, wsPort } = options
  const plain = await openListener({ port: options.port, host }, { ...common, onSecure: guarded.accept })
  if (wsPort === undefined) return plain
  const onSecure = webSocketDoor(guarded, options.wsOrigins ?? [])
  const web = await openListener({ port: wsPort, host }, { ...common, onSecure }).catch(async (error: unknown) => {
    await plain.close()
    throw Object.assign(error as Error, { port: wsPort })
  })
  return {
    address: plain.address,
    wsAddress: web.address,
    close: async () => void (await Promise.all([plain.close(), web.close()])),
  }
}

/** Between TLS and MQTT: the peer is read and trusted before a byte of HTTP is. */
function webSocketDoor(
  guarded: Guarded,
  origins: readonly string[],
): (socket: TLSSocket, admitted: () => void) => void {
  const { gate } = guarded
  const serve = webSocketService({ limits: gate.limits, origins })
  return (socket, admitted) => {
    const peer = guarded.trust(socket)
    if (peer === undefined) return
    serve(socket, {
      stream: (stream, bound) =>
        guarded.connect(stream, peer, () => {
          bound()
          admitted()
        }),
      refused: p => gate.trace({ event: 'connect-refused', peer: tracedPeer(gate, peer), problem: p }),
    })
  }
}
