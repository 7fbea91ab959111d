/** Policies from a folder: reads all of it, loads it as one set with its tests, and watches it. Whole sets only. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { watch } from 'chokidar'
import { PolicyError, type Problem, problem } from '../problem.ts'
import { type FolderOptions, type LoadedPolicy, loadPolicyTexts } from './load-texts.ts'

export type { FolderOptions, LoadedPolicy } from './load-texts.ts'

/** How long a change of the folder must have settled before it is read, in milliseconds. */
const settleMs = 200
const maxFileBytes = 1024 * 1024

/** What an editor leaves behind, and hidden files: no policy. */
export function isEditorLeftover(name: string): boolean {
  return name.startsWith('.') || name.endsWith('~') || name === '4913'
}

/** How a person would write the folder: relative where that is shorter. */
export function displayFolder(folder: string): string {
  const near = relative(process.cwd(), folder)
  return near === '' ? '.' : near.startsWith('..') ? folder : near
}

/** The texts of a folder, and what is wrong with its files. */
export async function readPolicyFolder(
  folder: string,
): Promise<{ files: { name: string; text: string }[]; problems: Problem[] }> {
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
  const { files, problems } = await readPolicyFolder(folder)
  return loadPolicyTexts(files, shown, options, problems)
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
