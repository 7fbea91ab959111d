/** The `operate:` section of the configuration: where health and metrics are served, and how the broker stops. */
import type { Section } from '../configuration-reader.ts'

export interface OperateSettings {
  readonly host: string
  /** Undefined: no operate listener. */
  readonly port: number | undefined
  /** How long new connections are still taken once /readyz is red: as long as a load balancer needs to notice. */
  readonly graceSeconds: number
  /** How long ending the connections may take; what is left then is cut. */
  readonly drainSeconds: number
}

/** Whoever asks runs on the same machine, unless somebody says otherwise. */
const defaultHost = '127.0.0.1'
const defaultDrainSeconds = 10
/** Ten minutes: whatever starts and stops services would have lost patience. */
const longestSeconds = 600

export function readOperate(section: Section | undefined): OperateSettings {
  section?.allow('host', 'port', 'graceSeconds', 'drainSeconds')
  return {
    host: section?.text('host') ?? defaultHost,
    port: section?.number('port', 0, 65_535),
    graceSeconds: section?.number('graceSeconds', 0, longestSeconds) ?? 0,
    drainSeconds: section?.number('drainSeconds', 1, longestSeconds) ?? defaultDrainSeconds,
  }
}
