/** What a command that only asks needs of the configuration: the names of its issuers, or the issuers themselves. */
import type { Issuers } from '../accept/issuers.ts'
import { loadIssuers } from '../accept/load-issuers.ts'
import { openRevocations, type Revocations } from '../accept/revocation.ts'
import { ConfigurationError, problem } from '../problem.ts'
import type { IssuerLimits } from '../prove/person.ts'
import type { KnownIssuer } from '../provision/entitlement.ts'
import { loadConfiguration } from './configuration.ts'

/** Names under `issuers:`; undefined without a configuration, where they cannot be checked. */
export async function issuerNamesOf(configFile: string | undefined): Promise<readonly string[] | undefined> {
  if (configFile === undefined) return undefined
  const { issuers } = await loadConfiguration(configFile, process.cwd())
  return issuers === undefined ? undefined : Object.keys(issuers)
}

/** What a policy is loaded with, as `serve` would: the names of the issuers and what each may say at most. */
export async function issuerOptionsOf(
  configFile: string | undefined,
): Promise<{ readonly issuers?: readonly string[]; readonly limits?: IssuerLimits }> {
  if (configFile === undefined) return {}
  const { issuers } = await loadConfiguration(configFile, process.cwd())
  if (issuers === undefined) return {}
  const limits = Object.entries(issuers).map(([name, { only }]) => [name, new Map(Object.entries(only ?? {}))] as const)
  return { issuers: Object.keys(issuers), limits: new Map(limits) }
}

/** Issuers and what they revoked; throws ConfigurationError as `serve` would. */
export async function openIssuers(configFile: string): Promise<{ issuers: Issuers; revocations: Revocations }> {
  const { issuers: configured, baseFolder, crl } = await loadConfiguration(configFile, process.cwd())
  const issuers = await loadIssuers(configured ?? {}, baseFolder)
  return { issuers, revocations: await openRevocations(issuers, crl) }
}

/** The configured issuer that the CA with this key (SHA-256 of its SubjectPublicKeyInfo, hex) belongs to. Throws where the configuration does not know it: nobody could log in. */
export async function issuerOfCa(configFile: string, keyId: string): Promise<KnownIssuer> {
  const { issuers: configured, baseFolder } = await loadConfiguration(configFile, process.cwd())
  const { all } = await loadIssuers(configured ?? {}, baseFolder)
  const found = all.find(({ cas }) => cas.some(({ certificate }) => certificate.keyId === keyId))
  if (found !== undefined) return found
  throw new ConfigurationError([
    problem('provision/not-configured', 'no issuer of the configuration is this authority', {
      where: { file: configFile },
      help: 'add it under `issuers:`; `portcullis ca show` names it',
    }),
  ])
}
