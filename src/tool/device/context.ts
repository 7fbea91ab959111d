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

/** A set whose tests fail is refused, as a gate would. `issuerKeyId` as for `issuerIn`. */
export async function loadContext(options: PolicyOptions, ca: CaFolder, issuerKeyId?: string): Promise<PolicyContext> {
  const { set } = await loadPolicyFolder(options.policies, await issuerOptionsOf(options.config))
  return { set, issuer: await issuerIn(options, ca, issuerKeyId) }
}

/**
 * Without a configuration the authority has the name it was made with. `issuerKeyId`: the issuing CA that is asked about, of which a
 * configuration must know; else the one that signs.
 */
export async function issuerIn(
  { config }: PolicyOptions,
  ca: CaFolder,
  issuerKeyId: string = ca.issuerKeyId,
): Promise<KnownIssuer> {
  return config === undefined
    ? { name: ca.name, only: new Map<string, readonly string[]>() }
    : issuerOfCa(config, issuerKeyId)
}
