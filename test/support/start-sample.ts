/** The sample plant guarded as `serve` runs it, on the certificates of a development folder, on a port of the system's choice. */
import { join } from 'node:path'
import type { GateOptions } from '../../src/gate-options.ts'
import type { Persistence } from '../../src/tool/configured-persistence.ts'
import { type RunningBroker, startGuarded } from '../../src/tool/start-guarded.ts'

export interface SampleOptions extends Pick<GateOptions, 'now' | 'trace' | 'timeMemory'> {
  /** A folder as `ensureDevCerts` makes it. */
  readonly certs: string
  readonly policies: string
  /** Default: the list of the development CA. */
  readonly crl?: readonly string[]
  readonly persistence?: Persistence
}

export function startSample(options: SampleOptions): Promise<RunningBroker> {
  const { certs, policies, crl = ['acme.crl'], persistence, ...gate } = options
  const issuers = { acme: { certificates: ['issuing.pem'], root: 'root.pem', crl } }
  const tls = { keyFile: join(certs, 'server.key'), certFile: join(certs, 'server.pem') }
  return startGuarded(
    { ...gate, policies, baseFolder: certs, issuers, watch: false },
    { port: 0, host: '127.0.0.1', tls },
    {},
    persistence,
  )
}
