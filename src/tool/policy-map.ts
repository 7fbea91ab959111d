/** `portcullis policy map [DIR]`: draws who may publish into which topics and who is sent them, as one HTML file. */
import { lstat, open } from 'node:fs/promises'
import type { Command } from 'commander'
import { type Problem, problem, type Result } from '../problem.ts'
import { mapBeginning, renderMap } from '../prove/map/page.ts'
import { writeAtomically } from '../provision/write-atomically.ts'
import { loadPolicyFolder } from '../source/folder.ts'
import { exitCodes } from './exit-codes.ts'
import { addExitCodes } from './help.ts'
import { answer, count, sayProblems } from './io.ts'

interface MapCommandOptions {
  readonly out: string
  readonly force?: boolean
}

export function addPolicyMap(policy: Command): void {
  addExitCodes(
    policy
      .command('map')
      .description('draw roles, topics and what flows between them as an HTML file, to read and to print')
      .argument('[dir]', 'the policy folder', 'policies')
      .option('--out <file>', 'the file to write, - for stdout', 'policy-map.html')
      .option('--force', 'overwrite FILE even if it is no map')
      .action(map),
    'portcullis policy map policies --out plant.html',
  )
}

async function map(folder: string, { out, force }: MapCommandOptions): Promise<void> {
  // a map helps to find out why a test fails
  const { set, revision, rules, folder: shown } = await loadPolicyFolder(folder, { runTests: false })
  const page = renderMap(set, { folder: shown, revision })
  if (out === '-') {
    for (const line of page.trimEnd().split('\n')) answer(line)
    return
  }
  const refusal = (await checkTarget(out, force === true)) ?? (await write(out, page))
  if (refusal !== undefined) {
    sayProblems([refusal])
    process.exitCode = refusal.code === 'tool/foreign-file' ? exitCodes.no : exitCodes.failed
    return
  }
  answer(`${out}: ${count(set.roles.size, 'role')}, ${count(rules, 'rule')}, revision ${revision}`, 'good')
}

/** Why the file may not be written; undefined where it may. */
async function checkTarget(path: string, isForced: boolean): Promise<Problem | undefined> {
  const begins = await beginningOf(path)
  if (!begins.ok) return begins.problem
  if (begins.value === undefined || begins.value === mapBeginning || isForced) return undefined
  return problem('tool/foreign-file', `${path} exists and is no policy map`, {
    help: 'name another file with --out FILE, or overwrite it with --force',
  })
}

/** As much of the file as a map begins with; undefined where there is no file. Only ordinary files are opened: a pipe would never end. */
async function beginningOf(path: string): Promise<Result<string | undefined>> {
  try {
    const facts = await lstat(path)
    if (!facts.isFile()) return { ok: false, problem: unwritable(path, 'it is no ordinary file') }
    const file = await open(path, 'r')
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(mapBeginning.length), 0, mapBeginning.length, 0)
      return { ok: true, value: buffer.toString('utf8', 0, bytesRead) }
    } finally {
      await file.close()
    }
  } catch (error) {
    const code = codeOf(error)
    return code === 'ENOENT' ? { ok: true, value: undefined } : { ok: false, problem: unwritable(path, code) }
  }
}

async function write(path: string, page: string): Promise<Problem | undefined> {
  try {
    await writeAtomically(path, page)
    return undefined
  } catch (error) {
    return unwritable(path, codeOf(error))
  }
}

/** What the operating system says; anything else is a mistake of ours. */
function codeOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined) throw error
  return code
}

function unwritable(path: string, reason: string): Problem {
  return problem('tool/unwritable-file', `${path} cannot be written (${reason})`, {
    help: 'name a file in a folder that exists and that you may write to, with --out FILE',
  })
}
