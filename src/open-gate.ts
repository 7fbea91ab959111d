/** openGate: loads what a gate decides by (issuers, CRLs, policies), composes it, and watches the files. */
import { resolve } from 'node:path'
import type { Issuers } from './accept/issuers.ts'
import { resolveLimits } from './accept/limits.ts'
import { openTrust } from './accept/trust.ts'
import { Gate, loadOptions } from './gate.ts'
import { defaultKeepForDays, type GateOptions } from './gate-options.ts'
import { type Problem, problem } from './problem.ts'
import { type LoadedPolicy, loadPolicyFolder } from './source/folder.ts'
import { nullTrace } from './trace.ts'

async function openCandidate(folder: string, issuers: Issuers): Promise<{ folder: string; policy: LoadedPolicy }> {
  return { folder, policy: await loadPolicyFolder(folder, loadOptions(issuers)) }
}

const topicsOnlyReported = (): Problem =>
  problem('config/report-only', 'topics are NOT enforced: what the policy would refuse is let pass and only reported', {
    help: 'start without report-only as soon as the log shows no `would-refuse` that should have passed',
  })

/**
 * Opens a gate. Rejects with PolicyError on a policy set that does not load and with ConfigurationError on issuers or
 * CRLs that cannot be used; each carries every problem found.
 * @example const gate = await openGate({ policies: './policies', issuers: { acme: { certificates: ['issuing.pem'], root: 'root.pem' } } })
 */
export async function openGate(options: GateOptions): Promise<Gate> {
  const trace = options.trace ?? nullTrace
  const now = options.now ?? Date.now
  const base = resolve(options.baseFolder ?? '.')
  const trust = await openTrust(options.issuers, base, { ...options.crl, now, trace })
  const folder = resolve(options.policies)
  const policy = await loadPolicyFolder(folder, loadOptions(trust.issuers))
  const reportOnly = options.reportOnly === true
  if (reportOnly) trace({ event: 'alarm', problem: topicsOnlyReported() })
  const gate = new Gate({
    policy,
    folder,
    candidate:
      options.candidate === undefined ? undefined : await openCandidate(resolve(options.candidate), trust.issuers),
    reportOnly,
    trust,
    owners: options.owners,
    limits: resolveLimits(options.limits ?? {}),
    keepForDays: options.keepForDays ?? defaultKeepForDays,
    permits: options.permits ?? 'distinct',
    trace,
    now,
  })
  await gate.openKept()
  gate.reviewHourly()
  if (options.watch !== false) await gate.watch()
  return gate
}
