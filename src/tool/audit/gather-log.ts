/** One or more decision logs, read side by side in order of time: of several nodes, or of one in turns. Flat memory. */

import { readLogLine } from '../../observe/read-log.ts'
import { type LogEvent, readLogEvent } from '../../observe/read-log-event.ts'
import { ConfigurationError, type Problem, problem } from '../../problem.ts'
import type { GrantUse } from '../../prove/audit/grant-use.ts'
import { LogFacts } from '../../prove/audit/log-facts.ts'
import { logName, openLogFile } from '../replay/open-log-file.ts'

interface LogLine {
  readonly event: LogEvent
  readonly text: string
  readonly number: number
}

/** Lines of one file that are none of a decision log. */
interface Broken {
  readonly file: string
  count: number
}

/** Rejects where the file has lines, and none is of a decision log. */
async function* readEvents(path: string, broken: Broken): AsyncGenerator<LogLine> {
  let read = 0
  for await (const { number, text = '' } of openLogFile(path)) {
    const event = readLogEvent(text)
    if (event === undefined) broken.count += 1
    else {
      read += 1
      yield { event, text, number }
    }
  }
  if (read === 0 && broken.count > 0) throw new ConfigurationError([notALog(path, 'no line is of a decision log')])
}

function notALog(path: string, sentence: string): Problem {
  const help = 'give the JSON log that `portcullis serve --log FILE` writes'
  return problem('tool/not-a-log', sentence, { where: { file: logName(path) }, help })
}

/** The earliest of what comes next from each; each is taken to be in order by itself. */
export async function* mergeByTime(sources: readonly AsyncGenerator<LogLine>[]): AsyncGenerator<LogLine> {
  const heads: { readonly source: AsyncGenerator<LogLine>; head: LogLine }[] = []
  try {
    for (const source of sources) {
      const first = await source.next()
      if (!first.done) heads.push({ source, head: first.value })
    }
    while (heads.length > 0) {
      const [earliest, ...others] = heads as [(typeof heads)[number], ...typeof heads]
      const next = others.reduce((best, one) => (one.head.event.time < best.head.event.time ? one : best), earliest)
      yield next.head
      const after = await next.source.next()
      if (after.done) heads.splice(heads.indexOf(next), 1)
      else next.head = after.value
    }
  } finally {
    for (const source of sources) await source.return(undefined)
  }
}

export interface GatheredLog {
  readonly facts: LogFacts
  /** Lines that are none of a decision log, by file. */
  readonly broken: readonly { readonly file: string; readonly count: number }[]
}

/** `use` is told of every permit. Rejects with ConfigurationError where a file cannot be read or is no log. */
export async function gatherLog(
  paths: readonly string[],
  use: GrantUse | undefined,
  facts: LogFacts = new LogFacts(),
): Promise<GatheredLog> {
  const broken = paths.map((path): Broken => ({ file: logName(path), count: 0 }))
  const sources = paths.map((path, index) => readEvents(path, broken[index] as Broken))
  for await (const { event, text, number } of mergeByTime(sources)) {
    facts.add(event)
    if (use === undefined || event.event !== 'permitted') continue
    const entry = readLogLine(text, number)
    if (entry.ok && entry.value.kind === 'decision') use.add(entry.value.decision)
  }
  if (facts.events === 0) throw new ConfigurationError([notALog(paths[0] ?? '', 'the log has no line')])
  facts.end()
  return { facts, broken: broken.filter(({ count }) => count > 0) }
}
