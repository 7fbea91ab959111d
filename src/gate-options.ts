/** What a gate is opened with. */
import type { Limits } from './accept/limits.ts'
import type { IssuersConfig } from './accept/load-issuers.ts'
import type { TimeMemory } from './accept/newest-time.ts'
import type { RevocationSettings } from './accept/revocation.ts'
import type { LiveRegistry } from './bind/live-registry.ts'
import type { OwnerStore } from './bind/owner-store.ts'
import type { BundleFiles } from './source/bundle.ts'
import type { PermitsMode, Trace } from './trace.ts'

/** `GateOptions.keepForDays`, where nothing else is said. */
export const defaultKeepForDays = 7

export interface GateOptions {
  /** The policy folder, or the files of a signed bundle; both relative to the working folder. */
  readonly policies: string | BundleFiles
  /** The issuing CAs, as under `issuers:` in portcullis.config.yaml. */
  readonly issuers: IssuersConfig
  /** Folder that the file names in `issuers` are relative to. Default: the working folder. */
  readonly baseFolder?: string
  readonly crl?: Partial<RevocationSettings>
  readonly limits?: Partial<Limits>
  /** Where the owners of kept sessions are kept; as lasting as the broker's own persistence. Default: in memory. */
  readonly owners?: OwnerStore
  /** What remembers, beyond the process, the newest time that a CRL has told: a clock set back is noticed then. Default: nothing. */
  readonly timeMemory?: TimeMemory
  /** Who is live on other nodes, where the broker is one of a cluster. */
  readonly registry?: LiveRegistry
  /** Days that a session stays kept after the end of the certificate that left it, at most. Default 7. */
  readonly keepForDays?: number
  /** Which permits are told to the trace. Default `distinct`: a session's first use of each rule per policy revision. */
  readonly permits?: PermitsMode
  /**
   * UNSAFE: topics are only reported. What the policy would refuse is let pass and told as `would-refuse`; certificates, client ids,
   * revocation, ownership and `$…` topics are enforced as ever. For the time before a first policy is trusted. Default false.
   */
  readonly reportOnly?: boolean
  /** Folder of a set that is asked beside the one in force; what it would decide otherwise is told as `candidate-differs`. */
  readonly candidate?: string
  readonly trace?: Trace
  /** Watch policies, CA certificates and CRLs for changes. Default true. */
  readonly watch?: boolean
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly now?: () => number
}
