/**
 * Files that appear together and overwrite nothing: written and flushed under temporary names first, so that a full disk is
 * found before anything is decided, and given their names afterwards.
 */
import { access, link, rename, rm } from 'node:fs/promises'
import { PortcullisError, type Problem, problem } from '../problem.ts'
import { type NewFile, writeTemporary } from './temporary-file.ts'

export type { NewFile } from './temporary-file.ts'

export interface StagedFiles {
  /**
   * Gives the files their names; where one is taken by now, none of them appears. With `replace` they take its place. Where it fails,
   * what was staged is removed.
   */
  publish(options?: { readonly replace?: boolean }): Promise<void>
  /** Removes what was staged. */
  discard(): Promise<void>
}

/** For a certificate that is handed on, and written nowhere. */
export const noFiles: StagedFiles = { publish: async () => undefined, discard: async () => undefined }

/** Throws PortcullisError where one of the files is there already. */
export async function requireFree(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    )
    if (isThere) throw new PortcullisError([fileExists(path)])
  }
}

/** Writes the files under temporary names. Rejects as the file system does; nothing stays then. */
export async function stageFiles(files: readonly NewFile[]): Promise<StagedFiles> {
  const staged: { readonly path: string; readonly temporary: string }[] = []
  const discard = async (): Promise<void> => {
    for (const { temporary } of staged) await rm(temporary, { force: true })
  }
  try {
    for (const file of files) {
      staged.push({ path: file.path, temporary: await writeTemporary(file) })
    }
  } catch (error) {
    await discard()
    throw error
  }
  const publish = async ({ replace = false } = {}): Promise<void> => {
    try {
      if (replace) for (const { path, temporary } of staged) await rename(temporary, path)
      else await linkAll(staged)
    } finally {
      await discard()
    }
  }
  return { publish, discard }
}

/** `link` fails where the name is taken, which `rename` does not. */
async function linkAll(staged: readonly { readonly path: string; readonly temporary: string }[]): Promise<void> {
  const linked: string[] = []
  try {
    for (const { path, temporary } of staged) {
      await link(temporary, path)
      linked.push(path)
    }
  } catch (error) {
    for (const path of linked) await rm(path, { force: true })
    const isTaken = (error as NodeJS.ErrnoException).code === 'EEXIST'
    throw isTaken ? new PortcullisError([fileExists(String((error as { dest?: string }).dest))]) : error
  }
}

export function fileExists(file: string): Problem {
  const help = 'name another folder, or move the file away'
  return problem('provision/file-exists', 'the file is there already', { where: { file }, help })
}
