/** Replaces the certificate of a CA by a renewed one; the old one stays beside it under the day on which it was replaced. */
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { PortcullisError } from '../problem.ts'
import { stageFiles } from './staged-files.ts'
import { writeAtomically } from './write-atomically.ts'

/**
 * `issuing.pem` is kept as `issuing.2026-11-28.pem` and the new one takes its name: a reader, or a kill at any point, finds
 * the old one or the new one under the name, whole. Resolves with the file of the old one.
 */
export async function replaceCertificate(file: string, pem: string, now: Date): Promise<string> {
  const kept = await keep(file, now.toISOString().slice(0, 10))
  await writeAtomically(file, pem)
  return kept
}

/**
 * A copy, not a second link: a link is an event to whoever watches the file, as gates do, and the watcher may be too busy with
 * it to notice the true change that follows within milliseconds.
 */
async function keep(file: string, day: string): Promise<string> {
  const present = await readFile(file, 'utf8')
  for (let turn = 1; ; turn++) {
    const kept = join(dirname(file), `${basename(file, '.pem')}.${turn === 1 ? day : `${day}.${turn}`}.pem`)
    const there = await readFile(kept, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    // a run that was killed before it came to the new one has kept it already
    if (there === present) return kept
    if (there === undefined && (await isWritten(kept, present))) return kept
  }
}

/** False where another run has taken the name meanwhile. */
async function isWritten(path: string, content: string): Promise<boolean> {
  const staged = await stageFiles([{ path, content, mode: 0o644 }])
  try {
    await staged.publish()
    return true
  } catch (error) {
    if (error instanceof PortcullisError) return false
    throw error
  }
}
