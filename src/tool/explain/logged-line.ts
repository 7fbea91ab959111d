/** `--log` of `policy explain`: a line of the decision log, as text, by its place in a file, or piped in. */
import { type LogEntry, type LoggedDecision, readLogLine } from '../../observe/read-log.ts'
import { ConfigurationError, fail, ok, type Problem, problem, type Result } from '../../problem.ts'
import { logName, openLogFile } from '../replay/open-log-file.ts'

/**
 * The decision that is meant: of a file without a line number, the last one.
 * Rejects with ConfigurationError where there is none, with what can be said of the line instead.
 */
export async function findLoggedDecision(argument: string): Promise<LoggedDecision> {
  const found = argument.trimStart().startsWith('{')
    ? decisionIn(readLogLine(argument, 1), '--log', 1)
    : await findInFile(argument)
  if (found.ok) return found.value
  throw new ConfigurationError([found.problem])
}

async function findInFile(argument: string): Promise<Result<LoggedDecision>> {
  const [, file = argument, digits] = /^(.+):(\d{1,15})$/s.exec(argument) ?? []
  const wanted = digits === undefined ? undefined : Number(digits)
  let last: Result<LoggedDecision> | undefined
  for await (const { number, text } of openLogFile(file)) {
    if (wanted !== undefined && number < wanted) continue
    if (wanted !== undefined && number > wanted) break
    const found = decisionIn(readLogLine(text ?? '', number), logName(file), number)
    if (found.ok || last === undefined || !last.ok) last = found
  }
  return last ?? fail(noLine(logName(file), wanted))
}

function decisionIn(entry: Result<LogEntry>, file: string, line: number): Result<LoggedDecision> {
  const where = { file, line }
  if (!entry.ok) return fail({ ...entry.problem, where })
  return entry.value.kind === 'decision' ? ok(entry.value.decision) : fail({ ...undecided(entry.value), where })
}

function noLine(file: string, line: number | undefined): Problem {
  return problem('tool/not-a-log', line === undefined ? 'the log has no line' : `the log has no line ${line}`, {
    where: { file },
    help: 'give the JSON log that `portcullis serve --log FILE` writes',
  })
}

/** What can be said of a line that decides nothing, and what cannot be known. */
function undecided(entry: Exclude<LogEntry, { kind: 'decision' }>): Problem {
  if (entry.kind === 'suppressed') {
    return problem(
      'tool/no-decision',
      `the line only counts refusals (${entry.count}): what they were about was not logged and cannot be known`,
      { help: 'raise `log.refusalsPerMinute` to have more of them told one by one' },
    )
  }
  if (entry.kind === 'nobody') {
    return problem(
      'tool/no-decision',
      `refused (${entry.code || entry.event}) before it was known who it was: no policy can be asked about it`,
      { help: 'with the certificate: `portcullis policy explain CERTIFICATE.pem connect CLIENT-ID`' },
    )
  }
  return problem('tool/no-decision', `the line tells of ${JSON.stringify(entry.event)}, which decides nothing`, {
    help: 'name a line whose event is permitted, refused, connected or connect-refused',
  })
}
