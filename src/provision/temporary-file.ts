/** A file that has no name yet: whole and flushed under a temporary one beside it, `.NAME.<12 hex>.tmp`, which `sweep.ts` knows. */
import { randomBytes } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

export interface NewFile {
  readonly path: string
  readonly content: string | Uint8Array
  readonly mode: number
}

/** Resolves with the temporary path. Rejects as the file system does; nothing stays then. */
export async function writeTemporary({ path, content, mode }: NewFile): Promise<string> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  const file = await open(temporary, 'wx', mode)
  try {
    await file.chmod(mode) // the umask may have taken bits away, or a default ACL added some
    await file.writeFile(content)
    await file.sync()
    await file.close()
    return temporary
  } catch (error) {
    await file.close().catch(() => undefined)
    await rm(temporary, { force: true })
    throw error
  }
}
