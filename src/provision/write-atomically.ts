import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeTemporary } from './temporary-file.ts'

/** Writes a file so that a reader, or a start after a crash, sees the old content or the new one and nothing between. */
export async function writeAtomically(path: string, content: string, mode = 0o644): Promise<void> {
  const temporary = await writeTemporary({ path, content, mode })
  try {
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

const abandonedMs = 60_000

/** Removes temporary files that a killed process left in `folder` more than a minute ago. */
export async function removeAbandoned(folder: string, now: Date = new Date()): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^\..+\.[0-9a-f]{12}\.tmp$/.test(name)) continue
    const path = join(folder, name)
    const facts = await stat(path).catch(() => undefined)
    if (facts !== undefined && now.getTime() - facts.mtimeMs > abandonedMs) await rm(path, { force: true })
  }
}
