/** What every command about devices needs: the policy set that they are to be something in, and the authority's name in it. */
import type { Command } from 'commander'
import type { PolicySet } from '../../policy/model.ts'
import type { CaFolder } from '../../provision/ca-folder.ts'
import type { KnownIssuer } from '../../provision/entitlement.ts'
import { loadPolicyFolder } from '../../source/folder.ts'
import { issuerOfCa, issuerOptionsOf } from '../configured-issuers.ts'

export interface PolicyOptions {
  readonly policies: string
  readonly config?: string
}

export interface PolicyContext {
  readonly set: PolicySet
  readonly issuer: KnownIssuer
}

export function addPolicyOptions(command: Command): Command {
  return command
    .option('--policies <dir>', 'the policy folder', 'policies')
    .option('--config <file>', 'the configuration: its issuers, with what each may say (`only:`)')
}

/** A set whose tests fail is refused, as a gate would. */
export async function loadContext(options: PolicyOptions, ca: CaFolder): Promise<PolicyContext> {
  const { set } = await loadPolicyFolder(options.policies, await issuerOptionsOf(options.config))
  return { set, issuer: await issuerIn(options, ca) }
}

/** Without a configuration the authority has the name it was made with. */
export async function issuerIn({ config }: PolicyOptions, ca: CaFolder): Promise<KnownIssuer> {
  return config === undefined
    ? { name: ca.name, only: new Map<string, readonly string[]>() }
    : issuerOfCa(config, ca.issuing.fingerprint)
}
