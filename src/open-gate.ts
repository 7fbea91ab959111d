/** openGate: loads what a gate decides by (issuers, CRLs, policies), composes it, and watches the files. */
import { resolve } from 'node:path'
import type { Issuers } from './accept/issuers.ts'
import { resolveLimits } from './accept/limits.ts'
import { openTrust } from './accept/trust.ts'
import { Gate } from './gate.ts'
import { defaultKeepForDays, type GateOptions } from './gate-options.ts'
import { type Problem, problem } from './problem.ts'
import { openBundleSource } from './source/bundle.ts'
import type { LoadedPolicy } from './source/load-texts.ts'
import { folderSource, loadOptions, type PolicySource } from './source/policy-source.ts'
import { nullTrace } from './trace.ts'

async function openCandidate(
  folder: string,
  issuers: Issuers,
): Promise<{ source: PolicySource; policy: LoadedPolicy }> {
  const source = folderSource(resolve(folder))
  return { source, policy: await source.load(loadOptions(issuers)) }
}

function openPolicies(policies: GateOptions['policies'], now: () => number): PolicySource | Promise<PolicySource> {
  if (typeof policies === 'string') return folderSource(resolve(policies))
  const { bundle, key, state } = policies
  return openBundleSource({ bundle: resolve(bundle), key: resolve(key), state: resolve(state) }, now)
}

const topicsOnlyReported = (): Problem =>
  problem('config/report-only', 'topics are NOT enforced: what the policy would refuse is let pass and only reported', {
    help: 'start without report-only as soon as the log shows no `would-refuse` that should have passed',
  })

/**
 * Opens a gate. Rejects with PolicyError on a policy set that does not load, or a bundle that may not be taken, and with
 * ConfigurationError on issuers, CRLs or a key of bundles that cannot be used; each carries every problem found.
 * @example const gate = await openGate({ policies: './policies', issuers: { acme: { certificates: ['issuing.pem'], root: 'root.pem' } } })
 */
export async function openGate(options: GateOptions): Promise<Gate> {
  const trace = options.trace ?? nullTrace
  const now = options.now ?? Date.now
  const base = resolve(options.baseFolder ?? '.')
  const trust = await openTrust(options.issuers, base, {
    ...options.crl,
    timeMemory: options.timeMemory,
    now,
    trace,
  })
  const source = await openPolicies(options.policies, now)
  const policy = await source.load(loadOptions(trust.issuers))
  const reportOnly = options.reportOnly === true
  if (reportOnly) trace({ event: 'alarm', problem: topicsOnlyReported() })
  const gate = new Gate({
    policy,
    source,
    candidate: options.candidate === undefined ? undefined : await openCandidate(options.candidate, trust.issuers),
    reportOnly,
    trust,
    owners: options.owners,
    registry: options.registry,
    limits: resolveLimits(options.limits ?? {}),
    keepForDays: options.keepForDays ?? defaultKeepForDays,
    permits: options.permits ?? 'distinct',
    trace,
    now,
  })
  await gate.openKept()
  if (options.watch !== false) await gate.watch()
  return gate
}
