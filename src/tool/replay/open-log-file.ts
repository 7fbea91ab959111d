/** A decision log to be read: a file, or `-` for what is piped in. */
import { createReadStream } from 'node:fs'
import { ConfigurationError, problem } from '../../problem.ts'
import { type Line, readLines } from './read-lines.ts'

/** What problems call it. */
export function logName(path: string): string {
  return path === '-' ? '(stdin)' : path
}

/** Its lines, empty ones left out. Rejects with ConfigurationError where it cannot be read. */
export async function* openLogFile(path: string): AsyncGenerator<Line> {
  const stream = path === '-' ? process.stdin : createReadStream(path)
  try {
    for await (const line of readLines(stream)) if (line.text === undefined || line.text.trim() !== '') yield line
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === undefined) throw error
    throw new ConfigurationError([
      problem('config/unreadable-file', `the log cannot be read (${code})`, {
        where: { file: logName(path) },
        help: 'name the JSON log that `portcullis serve --log FILE` writes, or `-` for standard input',
      }),
    ])
  }
}
