/** Policies from texts, wherever they were: loaded as one set, its tests run and its claims proved. Whole sets only. */
import { createHash } from 'node:crypto'
import { runPolicyTests } from '../decide/run-tests.ts'
import { loadPolicySet } from '../policy/load.ts'
import type { PolicySet } from '../policy/model.ts'
import type { PolicyFile } from '../policy/policy-files.ts'
import { formatWhere, PolicyError, type Problem } from '../problem.ts'
import { proveClaims } from '../prove/claims/prove-claims.ts'
import type { IssuerLimits } from '../prove/person.ts'

/** A policy set that may be put in force: it parsed, checked, and its tests passed. */
export interface LoadedPolicy {
  readonly set: PolicySet
  /** First 8 hex digits of SHA-256 over the names and bytes of all files. */
  readonly revision: string
  /** The folder as a person would write it, for log and help lines. */
  readonly folder: string
  readonly rules: number
  readonly tests: number
  /** Claims that hold, or that the set says to assume. */
  readonly claims: number
  /** Things worth saying that are no mistakes. */
  readonly notes: readonly string[]
  /** Where the set came in a signed bundle. */
  readonly bundle?: BundleFacts
}

export interface BundleFacts {
  readonly version: number
  /** Whole seconds since 1970. */
  readonly issuedAt: number
  /** Whole seconds since 1970; undefined where it does not end. */
  readonly expiresAt: number | undefined
  /** Whether no bundle of this key was seen before, so that an older one could not be told. */
  readonly isFirst: boolean
}

export interface FolderOptions {
  /** Names of the configured issuers; undefined: issuer names are not checked, and a note says so. */
  readonly issuers?: readonly string[] | undefined
  /** What the configured issuers may say at most: claims are proved for that. Absent: they may say anything. */
  readonly limits?: IssuerLimits | undefined
  /** False: neither tests nor claims are looked at (commands that report them do it themselves). Default true. */
  readonly runTests?: boolean
}

/** First 8 hex digits of SHA-256 over the names and texts, in the order given. */
export function revisionOf(files: readonly PolicyFile[]): string {
  const hash = createHash('sha256')
  for (const { name, text } of files) hash.update(JSON.stringify([name, text]))
  return hash.digest('hex').slice(0, 8)
}

/** A proof holds up the process that loads: beyond so many steps, about two seconds, the claim counts as not proved. */
const stepsPerClaim = 5_000_000

/**
 * Loads the files of one set. Throws PolicyError with every mistake of the set, or every failing test and claim.
 * @example loadPolicyTexts([{ name: 'plant.yaml', text }], 'policies')
 */
export function loadPolicyTexts(
  files: readonly PolicyFile[],
  shown: string,
  options: FolderOptions = {},
  readProblems: readonly Problem[] = [],
): LoadedPolicy {
  const { set, problems, notes } = loadPolicySet(files, {
    folder: shown,
    ...(options.issuers === undefined ? {} : { issuers: options.issuers }),
  })
  const all = [...readProblems, ...problems]
  if (set === undefined || all.length > 0) throw new PolicyError(all)
  const told = [...notes]
  if (options.runTests !== false) {
    const failures: Problem[] = runPolicyTests(set).flatMap(outcome => [...outcome.failures])
    const claims = proveClaims(set, {
      steps: stepsPerClaim,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    })
    failures.push(...claims.flatMap(outcome => outcome.problem ?? []))
    if (failures.length > 0) throw new PolicyError(failures)
    for (const { claim } of claims.filter(outcome => outcome.verdict === 'assumed'))
      told.push(`not proved, but assumed: "${claim.text}" (${formatWhere(claim.where)}): ${claim.assume}`)
  }
  return {
    set,
    revision: revisionOf(files),
    folder: shown,
    rules: [...set.roles.values()].reduce((sum, role) => sum + role.rules.length, 0),
    tests: set.tests.length,
    claims: set.claims.length,
    notes: told,
  }
}
