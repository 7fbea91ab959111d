/** Policies from a folder: reads all of it, loads it as one set with its tests, and watches it. Whole sets only. */
import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { watch } from 'chokidar'
import { runPolicyTests } from '../decide/run-tests.ts'
import { loadPolicySet } from '../policy/load.ts'
import type { PolicySet } from '../policy/model.ts'
import { formatWhere, PolicyError, type Problem, problem } from '../problem.ts'
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
}

export interface FolderOptions {
  /** Names of the configured issuers; undefined: issuer names are not checked, and a note says so. */
  readonly issuers?: readonly string[] | undefined
  /** What the configured issuers may say at most: claims are proved for that. Absent: they may say anything. */
  readonly limits?: IssuerLimits | undefined
  /** False: neither tests nor claims are looked at (commands that report them do it themselves). Default true. */
  readonly runTests?: boolean
}

/** How long a change of the folder must have settled before it is read, in milliseconds. */
const settleMs = 200
const maxFileBytes = 1024 * 1024
/** A proof holds up the process that loads: beyond so many steps, about two seconds, the claim counts as not proved. */
const stepsPerClaim = 5_000_000

function isEditorLeftover(name: string): boolean {
  return name.startsWith('.') || name.endsWith('~') || name === '4913'
}

/** How a person would write the folder: relative where that is shorter. */
function displayFolder(folder: string): string {
  const near = relative(process.cwd(), folder)
  return near === '' ? '.' : near.startsWith('..') ? folder : near
}

async function readFolder(folder: string): Promise<{ files: { name: string; text: string }[]; problems: Problem[] }> {
  const shown = displayFolder(folder)
  const files: { name: string; text: string }[] = []
  const problems: Problem[] = []
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new PolicyError([
      problem('policy/no-folder', `the policy folder ${shown} cannot be read (${error.code})`, {
        help: 'pass the folder with --policies DIR',
      }),
    ])
  })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (isEditorLeftover(entry.name)) continue
    const path = join(folder, entry.name)
    const where = { file: join(shown, entry.name) }
    try {
      const facts = await stat(path)
      if (!facts.isFile()) {
        problems.push(
          problem('policy/unexpected-file', 'only files belong in a policy folder', {
            where,
            help: 'move it elsewhere: rules in a subfolder would vanish silently',
          }),
        )
      } else if (facts.size > maxFileBytes) {
        problems.push(
          problem('policy/file-too-large', 'a policy file may hold 1 MB at most', { where, help: 'split it' }),
        )
      } else {
        const bytes = await readFile(path)
        files.push({ name: entry.name, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) })
      }
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      const isEncoding = code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
      problems.push(
        problem('policy/unreadable-file', isEncoding ? 'the file is not UTF-8' : `the file cannot be read (${code})`, {
          where,
        }),
      )
    }
  }
  return { files, problems }
}

/**
 * Loads a policy folder. Rejects with PolicyError carrying every mistake of the set, or every failing test.
 * @example const policy = await loadPolicyFolder('./policies', { issuers: ['acme'] })
 */
export async function loadPolicyFolder(folder: string, options: FolderOptions = {}): Promise<LoadedPolicy> {
  const shown = displayFolder(folder)
  const { files, problems: readProblems } = await readFolder(folder)
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
  const hash = createHash('sha256')
  for (const { name, text } of files) hash.update(JSON.stringify([name, text]))
  return {
    set,
    revision: hash.digest('hex').slice(0, 8),
    folder: shown,
    rules: [...set.roles.values()].reduce((sum, role) => sum + role.rules.length, 0),
    tests: set.tests.length,
    claims: set.claims.length,
    notes: told,
  }
}

/** Calls back once a change in the folder has settled. */
export async function watchPolicyFolder(folder: string, onChange: () => void): Promise<{ close(): Promise<void> }> {
  const watcher = watch(folder, { depth: 0, ignoreInitial: true })
  let timer: NodeJS.Timeout | undefined
  watcher.on('all', () => {
    clearTimeout(timer)
    timer = setTimeout(onChange, settleMs)
  })
  await new Promise<void>(resolve => watcher.once('ready', () => resolve()))
  return {
    close: async () => {
      clearTimeout(timer)
      await watcher.close()
    },
  }
}
