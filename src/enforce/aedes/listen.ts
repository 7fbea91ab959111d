/** listen: the mutual-TLS listener in front of a guarded broker. It takes guard's result, so it cannot run unguarded. */
import { readFile } from 'node:fs/promises'
import { type Listener, openListener } from '../../accept/listener.ts'
import type { Guarded } from './guard.ts'

export interface ListenOptions {
  /** 0 picks a free port. */
  readonly port: number
  /** Default: all addresses. */
  readonly host?: string
  /** The broker's own key and certificate chain, PEM files. */
  readonly tls: { readonly keyFile: string; readonly certFile: string }
}

/**
 * Opens the listener.
 * @example const listener = await listen(guarded, { port: 8883, tls: { keyFile: 'server.key', certFile: 'server.pem' } })
 */
export async function listen(guarded: Guarded, options: ListenOptions): Promise<Listener> {
  const [key, cert] = await Promise.all([readFile(options.tls.keyFile, 'utf8'), readFile(options.tls.certFile, 'utf8')])
  const { gate } = guarded
  return openListener(
    { port: options.port, host: options.host },
    { key, cert, ca: gate.issuers.tlsCa, limits: gate.limits, trace: gate.trace, onSecure: guarded.accept },
  )
}
