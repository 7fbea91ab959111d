/** Replaces the certificate of a CA by a renewed one; the old one stays beside it under the day on which it was replaced. */
import { link, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { writeAtomically } from './write-atomically.ts'

/**
 * `issuing.pem` becomes `issuing.2026-11-28.pem` and the new one takes its name: a reader, or a kill at any point, finds
 * the old one or the new one under the name, whole. Resolves with the file of the old one.
 */
export async function replaceCertificate(file: string, pem: string, now: Date): Promise<string> {
  const kept = await keep(file, now.toISOString().slice(0, 10))
  await writeAtomically(file, pem)
  return kept
}

async function keep(file: string, day: string): Promise<string> {
  const present = await readFile(file, 'utf8')
  for (let turn = 1; ; turn++) {
    const kept = join(dirname(file), `${basename(file, '.pem')}.${turn === 1 ? day : `${day}.${turn}`}.pem`)
    try {
      await link(file, kept) // a second name of the same file, which the renaming over the first one leaves alone
      return kept
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      // a run that was killed before it came to the new one has kept it already
      if ((await readFile(kept, 'utf8')) === present) return kept
    }
  }
}
