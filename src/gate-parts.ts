/** What a gate is composed of; `openGate` makes it. */
import type { Limits } from './accept/limits.ts'
import type { Trust } from './accept/trust.ts'
import type { LiveRegistry } from './bind/live-registry.ts'
import type { OwnerStore } from './bind/owner-store.ts'
import type { LoadedPolicy } from './source/load-texts.ts'
import type { PolicySource } from './source/policy-source.ts'
import type { PermitsMode, Trace } from './trace.ts'

export interface GateParts {
  readonly policy: LoadedPolicy
  readonly source: PolicySource
  readonly candidate: { readonly source: PolicySource; readonly policy: LoadedPolicy } | undefined
  readonly reportOnly: boolean
  readonly trust: Trust
  readonly owners: OwnerStore | undefined
  readonly registry?: LiveRegistry | undefined
  readonly limits: Limits
  readonly keepForDays: number
  readonly permits: PermitsMode
  readonly trace: Trace
  readonly now: () => number
}
