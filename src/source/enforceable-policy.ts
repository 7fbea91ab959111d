/** A policy folder that the running gate can enforce whole. */
import { PolicyError } from '../problem.ts'
import { type LoadedPolicy, loadPolicyFolder } from './folder.ts'
import { unavailableSettings } from './unavailable-settings.ts'

/** Loads as `loadPolicyFolder` does; rejects with PolicyError too where the set asks for what cannot be enforced yet. */
export async function loadEnforceablePolicy(folder: string, issuers: readonly string[]): Promise<LoadedPolicy> {
  const policy = await loadPolicyFolder(folder, { issuers })
  const unavailable = unavailableSettings(policy.set)
  if (unavailable.length > 0) throw new PolicyError(unavailable)
  return policy
}
