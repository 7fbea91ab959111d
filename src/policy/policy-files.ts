/** Which files of a policy folder are what. Anything unknown is an error: a rule in a skipped file would vanish silently. */
import type { CsvFile } from './read-members.ts'
import type { Report } from './report.ts'

/** A file of a policy folder as its caller read it; `name` is relative to the folder. */
export interface PolicyFile {
  readonly name: string
  readonly text: string
}

export interface SortedFile extends PolicyFile, CsvFile {}

export interface SortedFiles {
  readonly policies: readonly SortedFile[]
  readonly tests: readonly SortedFile[]
  /** CSV tables, by their name. */
  readonly tables: ReadonlyMap<string, SortedFile>
}

/** Editor leftovers and dot entries: not part of a set, and no mistake. `4913` is Vim's probe for a writable folder. */
function isSkipped(name: string): boolean {
  return name.startsWith('.') || name.endsWith('~') || name === '4913' || name === 'README.md'
}

/** Sorts files by what they are; reports those that are nothing. */
export function sortFiles(files: readonly PolicyFile[], folder: string | undefined, report: Report): SortedFiles {
  const policies: SortedFile[] = []
  const tests: SortedFile[] = []
  const tables = new Map<string, SortedFile>()
  for (const given of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name } = given
    if (isSkipped(name)) continue
    const file = { ...given, file: folder === undefined ? name : `${folder.replace(/\/+$/, '')}/${name}` }
    if (name.includes('/'))
      report.add(
        'policy/unexpected-file',
        'a file in a subfolder',
        { file: file.file },
        'a policy set is one folder without subfolders',
      )
    else if (name.endsWith('.test.yaml')) tests.push(file)
    else if (name.endsWith('.yaml')) policies.push(file)
    else if (name.endsWith('.csv')) tables.set(name, file)
    else
      report.add(
        'policy/unexpected-file',
        'a file that is no part of a policy set',
        { file: file.file },
        name.endsWith('.yml')
          ? 'rename it to end in .yaml'
          : 'a set has .yaml files, the .csv tables that they name, and README.md: move the rest elsewhere',
      )
  }
  return { policies, tests, tables }
}
