/** `log:` of the configuration: where the log goes, and how much of it there is. */
import { resolve } from 'node:path'
import { defaultRefusalsPerMinute } from '../observe/budget.ts'
import type { PermitsMode } from '../trace.ts'
import type { Section } from './configuration-reader.ts'

export interface LogSettings {
  /** Absolute; undefined: stderr. */
  readonly file: string | undefined
  readonly permits: PermitsMode
  /** Lines that the refusals of one certificate may fill in a minute (docs/semantics.md 5.4). */
  readonly refusalsPerMinute: number
}

const permitsChoices: readonly PermitsMode[] = ['none', 'distinct', 'all']
/** As good as no budget. */
const mostRefusalsPerMinute = 1_000_000

export function readLog(section: Section | undefined, baseFolder: string): LogSettings {
  section?.allow('file', 'permits', 'refusalsPerMinute')
  const file = section?.text('file')
  return {
    file: file === undefined ? undefined : resolve(baseFolder, file),
    permits: section?.word('permits', permitsChoices) ?? 'distinct',
    refusalsPerMinute: section?.number('refusalsPerMinute', 1, mostRefusalsPerMinute) ?? defaultRefusalsPerMinute,
  }
}
