/**
 * Loads a policy set: the texts of a folder in, the set or every mistake out. Pure: the caller reads the folder.
 *
 * Nothing is guessed and nothing skipped: what cannot be read exactly is a problem, and a set with a problem is no set.
 */
import type { Problem } from '../problem.ts'
import { checkClaims } from './check-claims.ts'
import { checkIdentities } from './check-identities.ts'
import { checkMembers } from './check-members.ts'
import { checkTests } from './check-tests.ts'
import { checkVariables } from './check-variables.ts'
import { proveClientIds } from './client-id-proof.ts'
import type { Drafts } from './drafts.ts'
import type { PolicySet } from './model.ts'
import { nearestName } from './nearest-name.ts'
import { type PolicyFile, sortFiles } from './policy-files.ts'
import { readConstants } from './read-constants.ts'
import { readIdentities } from './read-identities.ts'
import { type CsvFile, readMembers } from './read-members.ts'
import { readRoles } from './read-roles.ts'
import { readSections } from './read-sections.ts'
import { readSettings } from './read-settings.ts'
import { readTests } from './read-tests.ts'
import { readYaml } from './read-yaml.ts'
import { Report } from './report.ts'

export interface LoadOptions {
  /** Names of the configured issuers; absent: issuer names are not checked, and a note says so. */
  readonly issuers?: readonly string[] | undefined
  /** Folder of the files, for the places in problems. */
  readonly folder?: string | undefined
}

export interface LoadedPolicy {
  /** The set; absent where there is a problem. */
  readonly set?: PolicySet
  /** Every mistake of the set, by file and line. */
  readonly problems: readonly Problem[]
  /** What a reader should know although it is no mistake. */
  readonly notes: readonly string[]
}

/**
 * Loads the files of one policy folder as one set.
 * @example loadPolicySet([{ name: 'plant.yaml', text }], { folder: 'policies', issuers: ['acme'] })
 */
export function loadPolicySet(files: readonly PolicyFile[], options: LoadOptions = {}): LoadedPolicy {
  const report = new Report()
  const sorted = sortFiles(files, options.folder, report)
  const drafts = readDrafts(sorted, report)
  checkIdentities(drafts, options.issuers, report)
  const members = checkMembers(drafts, report)
  checkVariables(drafts, members, report)
  checkTests(drafts, options.issuers, report)
  checkClaims(drafts, report)
  checkCsvUsed(sorted.tables, drafts, report)
  checkNotEmpty(drafts, options.folder, report)
  const notes = options.issuers === undefined ? ['issuer names were not checked: no configuration'] : []
  if (report.size > 0) return { problems: report.sorted(), notes }

  const set: PolicySet = {
    files: [...sorted.policies, ...sorted.tests, ...sorted.tables.values()].map(file => file.name).sort(),
    constants: new Map(drafts.constants.values().map(constant => [constant.name, constant.value])),
    identities: new Map(drafts.identities.values().map(({ rule }) => [rule.name, rule])),
    roles: new Map(drafts.roles.values().map(role => [role.name, role])),
    members,
    settings: drafts.settings,
    tests: drafts.tests.map(({ test }) => test),
    claims: drafts.claims.map(({ claim }) => claim),
  }
  for (const found of proveClientIds(set)) report.take(found)
  return report.size > 0 ? { problems: report.sorted(), notes } : { set, problems: [], notes }
}

function readDrafts(files: ReturnType<typeof sortFiles>, report: Report): Drafts {
  const sections = readSections(files.policies, report)
  const settings = readSettings(sections.settings, report)
  const tables = readMembers(sections.members, files.tables, report)
  return {
    settings,
    tables,
    constants: readConstants(sections.constants, settings.alphabet, report),
    identities: readIdentities(sections.identities, settings.alphabet, report),
    roles: readRoles(sections.roles, report),
    ...readTests(
      files.tests.flatMap(({ text, file }) => readYaml(text, file, report) ?? []),
      report,
    ),
  }
}

/** A table that no rule can see would vanish silently. */
function checkCsvUsed(csvFiles: ReadonlyMap<string, CsvFile>, { tables }: Drafts, report: Report): void {
  if (report.isUnread('members')) return
  const named = tables.values().flatMap(table => table.file?.text ?? [])
  // a slip in the name of a file is one mistake, told where the name stands
  const used = new Set(named.map(name => (csvFiles.has(name) ? name : nearestName(name, csvFiles.keys()))))
  for (const [name, { file }] of csvFiles) {
    if (!used.has(name))
      report.add(
        'policy/csv-unreferenced',
        'no table of members names this file',
        { file },
        'name it in `members:`, or delete it',
      )
  }
}

function checkNotEmpty({ identities }: Drafts, folder: string | undefined, report: Report): void {
  if (identities.keys().length > 0 || report.isUnread('identities')) return
  report.add(
    'policy/empty-set',
    'the set has no identity: nobody could connect',
    { file: folder ?? '.' },
    'write `identities:` in a .yaml file; docs/policy-language.md begins with an example',
  )
}
