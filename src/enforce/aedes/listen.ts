/** listen: the mutual-TLS listener in front of a guarded broker. It takes guard's result, so it cannot run unguarded. */
import { X509Certificate } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type Listener, openListener, type TlsMaterial } from '../../accept/listener.ts'
import { readTlsFiles, type TlsFiles } from '../../accept/tls-files.ts'
import { webSocketService } from '../../accept/websocket.ts'
import { ConfigurationError } from '../../problem.ts'
import { type Guarded, tracedPeer } from './guard.ts'

export interface ListenOptions {
  /** 0 picks a free port. */
  readonly port: number
  /** Default: all addresses. */
  readonly host?: string
  /** The broker's own key and certificate chain, PEM files. */
  readonly tls: TlsFiles
  /** Opens a second port for MQTT over WebSocket, at `wss://HOST:PORT/mqtt`. 0 picks a free one. */
  readonly wsPort?: number | undefined
  /** Web origins that may connect there. Default: none, so no browser. */
  readonly wsOrigins?: readonly string[] | undefined
  /**
   * Addresses and CIDR ranges of TCP load balancers. A connection from there must begin with a PROXY header of version 2, and
   * comes from where the header says. Default: none, and no header is ever read.
   */
  readonly proxyFrom?: readonly string[] | undefined
}

export interface Listening extends Omit<Listener, 'use'> {
  /** Where WebSocket is served, if it is. */
  readonly wsAddress?: AddressInfo
  /**
   * Reads the broker's key and certificate anew, for handshakes from now on; connections that are up go on. A pair that
   * cannot be used is traced as an alarm, and the one in force stays. Changed CAs of the gate need no call.
   */
  reloadTls(): Promise<void>
  /** Milliseconds since 1970 at which the first certificate of the broker's own chain ends. */
  readonly certificateEnd: number
}

/**
 * Opens the listener. Rejects with ConfigurationError on a key or certificate that cannot be used, and with Node's error where
 * the address cannot be had.
 * @example const listener = await listen(guarded, { port: 8883, tls: { keyFile: 'server.key', certFile: 'server.pem' } })
 */
export async function listen(guarded: Guarded, options: ListenOptions): Promise<Listening> {
  const { gate } = guarded
  let own = await readTlsFiles(options.tls)
  const material = (): TlsMaterial => ({ key: own.key, cert: own.cert, ca: gate.issuers.tlsCa })
  const { host, wsPort, proxyFrom } = options
  const common = { ...material(), limits: gate.limits, trace: gate.trace, proxyFrom }
  const plain = await openListener({ port: options.port, host }, { ...common, onSecure: guarded.accept })
  const web = wsPort === undefined ? undefined : await openWeb(wsPort)
  const listeners = web === undefined ? [plain] : [plain, web]
  const renew = (): void => {
    for (const listener of listeners) listener.use(material())
  }
  gate.issuers.onReplaced(renew)
  return {
    address: plain.address,
    get connections() {
      const counts = listeners.map(listener => listener.connections)
      const sum = (of: 'accepted' | 'open'): number => counts.reduce((total, one) => total + one[of], 0)
      return { accepted: sum('accepted'), open: sum('open') }
    },
    get certificateEnd() {
      return own.notAfter
    },
    stop: () => {
      for (const listener of listeners) listener.stop()
    },
    ...(web === undefined ? {} : { wsAddress: web.address }),
    reloadTls: async () => {
      try {
        const next = await readTlsFiles(options.tls)
        if (next.key === own.key && next.cert === own.cert) return
        own = next
        renew()
        const { subject, validTo } = new X509Certificate(next.cert)
        gate.trace({ event: 'certificate-loaded', subject, notAfter: new Date(validTo).toISOString() })
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error
        for (const p of error.problems) gate.trace({ event: 'alarm', problem: p })
      }
    },
    close: async () => void (await Promise.all(listeners.map(listener => listener.close()))),
  }

  async function openWeb(port: number): Promise<Listener> {
    const onSecure = webSocketDoor(guarded, options.wsOrigins ?? [])
    return openListener({ port, host }, { ...common, onSecure }).catch(async (error: unknown) => {
      await plain.close()
      throw Object.assign(error as Error, { port })
    })
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
