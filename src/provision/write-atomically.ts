import { randomBytes } from 'node:crypto'
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Writes a file so that a reader, or a start after a crash, sees the old content or the new one and nothing between:
 * a temporary file in the same folder, made with its final mode, flushed, then renamed.
 */
export async function writeAtomically(path: string, content: string, mode = 0o644): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  const file = await open(temporary, 'wx', mode)
  try {
    await file.chmod(mode) // the umask may have taken bits away, or a default ACL added some
    await file.writeFile(content)
    await file.sync()
    await file.close()
    await rename(temporary, path)
  } catch (error) {
    await file.close().catch(() => undefined)
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
