/** Writes the file that an option names, whole or not at all, and over nothing that another program or a person wrote. */
import { lstat, open } from 'node:fs/promises'
import { type Problem, problem, type Result } from '../problem.ts'
import { writeAtomically } from '../provision/write-atomically.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'

export interface OwnFile {
  readonly path: string
  readonly content: string
  /** How every file of the kind begins, this one too. */
  readonly beginning: string
  /** `policy map` */
  readonly kind: string
  /** The option that names the file. */
  readonly option: string
  /** Whether a file of another kind is overwritten; undefined where no option does so. */
  readonly isForced: boolean | undefined
}

/** Writes the file. Gives the reason where it cannot be or may not be. */
export async function writeOwnFile(file: OwnFile): Promise<Problem | undefined> {
  const begins = await beginningOf(file)
  if (!begins.ok) return begins.problem
  if (begins.value !== undefined && begins.value !== file.beginning && file.isForced !== true) return foreign(file)
  try {
    await writeAtomically(file.path, file.content)
    return undefined
  } catch (error) {
    return unwritable(file, codeOf(error))
  }
}

/** The exit code for a reason not to write. */
export function unwrittenExitCode({ code }: Problem): ExitCode {
  return code === 'tool/foreign-file' ? exitCodes.no : exitCodes.failed
}

function foreign({ path, kind, option, isForced }: OwnFile): Problem {
  const otherwise = isForced === undefined ? 'delete this one' : 'overwrite it with --force'
  return problem('tool/foreign-file', `${path} exists and is no ${kind}`, {
    help: `name another file with ${option} FILE, or ${otherwise}`,
  })
}

/** As much of the file as one of the kind begins with; undefined where there is no file. Only ordinary files are opened: a pipe would never end. */
async function beginningOf(wanted: OwnFile): Promise<Result<string | undefined>> {
  const { path, beginning } = wanted
  try {
    const facts = await lstat(path)
    if (!facts.isFile()) return { ok: false, problem: unwritable(wanted, 'it is no ordinary file') }
    const file = await open(path, 'r')
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(beginning.length), 0, beginning.length, 0)
      return { ok: true, value: buffer.toString('utf8', 0, bytesRead) }
    } finally {
      await file.close()
    }
  } catch (error) {
    const code = codeOf(error)
    return code === 'ENOENT' ? { ok: true, value: undefined } : { ok: false, problem: unwritable(wanted, code) }
  }
}

/** What the operating system says; anything else is a mistake of ours. */
function codeOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined) throw error
  return code
}

function unwritable({ path, option }: OwnFile, reason: string): Problem {
  return problem('tool/unwritable-file', `${path} cannot be written (${reason})`, {
    help: `name a file in a folder that exists and that you may write to, with ${option} FILE`,
  })
}
