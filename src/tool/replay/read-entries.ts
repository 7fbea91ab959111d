/** The entries of a decision log, one by one; lines that are none are counted, and the first of them is told. */
import { type LogEntry, readLogLine } from '../../observe/read-log.ts'
import type { Problem } from '../../problem.ts'
import { logName, openLogFile } from './open-log-file.ts'

export interface ReadEntries {
  /** Lines that are of a decision log. */
  readonly read: number
  readonly broken: number
  /** Why the first broken line is none. */
  readonly first: Problem | undefined
}

/** Rejects with ConfigurationError where the log cannot be read. */
export async function readEntries(log: string, take: (entry: LogEntry) => void): Promise<ReadEntries> {
  let [read, broken] = [0, 0]
  let first: Problem | undefined
  for await (const { number, text } of openLogFile(log)) {
    const entry = readLogLine(text ?? '', number)
    if (entry.ok) {
      read += 1
      take(entry.value)
      continue
    }
    broken += 1
    first ??= { ...entry.problem, where: { file: logName(log), line: number } }
  }
  return { read, broken, first }
}
