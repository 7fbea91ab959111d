/** What metrics ask of a running broker when they are scraped, rather than being told of each change. */
import type { CrlState } from '../../accept/crl-standing.ts'
import type { PermitCount } from '../../decide/permit-counts.ts'

/** A certificate whose end nobody may miss. */
export interface WatchedCertificate {
  /** `broker`: its own chain; `ca`: issuing CAs and root of an issuer. */
  readonly of: 'broker' | 'ca'
  /** Name of the issuer in the configuration; of a CA only. */
  readonly issuer?: string
  /** Milliseconds since 1970. */
  readonly notAfter: number
}

export interface MetricsSource {
  /** `kept` outlive their connection, connected now or not. */
  sessions(): { readonly live: number; readonly kept: number }
  /** TCP connections. */
  connections(): { readonly accepted: number; readonly open: number }
  permits(): Iterable<PermitCount>
  policy(): {
    readonly revision: string
    readonly rules: number
    /** Of the signed bundle that it came in. */
    readonly bundle?: { readonly version: number } | undefined
  }
  crls(): readonly CrlState[]
  certificates(): readonly WatchedCertificate[]
  /** Rises before all sessions are looked at again, such as after CRLs have been read. */
  rechecks(): number
  isReady(): boolean
}

/** The source, once there is a running broker. */
export type AskSource = () => MetricsSource | undefined
