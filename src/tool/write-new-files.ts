/** Writes files where there are none: every one, or none. Nothing is ever overwritten. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface NewFile {
  /** Relative to the folder. */
  readonly path: string
  readonly text: string
  readonly executable?: true
}

/** The file that could not be written, and what the operating system says: `EEXIST` where it is there already. */
export interface Unwritten {
  readonly file: string
  readonly code: string
}

/** Makes folders as needed. What was written is removed again where a later file cannot be. */
export async function writeNewFiles(folder: string, files: readonly NewFile[]): Promise<Unwritten | undefined> {
  const written: string[] = []
  for (const { path, text, executable } of files) {
    const file = join(folder, path)
    try {
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text, { flag: 'wx', mode: executable ? 0o755 : 0o644 })
      written.push(file)
    } catch (error) {
      for (const one of written) await rm(one, { force: true })
      const { code } = error as NodeJS.ErrnoException
      if (code === undefined) throw error
      return { file, code }
    }
  }
  return undefined
}
