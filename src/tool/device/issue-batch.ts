/** `portcullis device issue --batch TABLE`: certificates for all devices of a CSV table. */
import { mkdir, readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { PortcullisError, type Problem, problem } from '../../problem.ts'
import { type BatchResult, type BatchRow, issueBatch } from '../../provision/issue-batch.ts'
import { requireFree } from '../../provision/staged-files.ts'
import { withCa } from '../ca/open.ts'
import { exitCodes } from '../exit-codes.ts'
import { answer, answerJson, count, say, sayProblems } from '../io.ts'
import { type BatchPlan, planBatch } from './batch-rows.ts'
import { loadContext } from './context.ts'
import { type DeviceOutput, deviceFiles, pathsOf, stageDevice } from './device-files.ts'
import type { IdentityOptions, IssueCommandOptions } from './issue-options.ts'
import type { OutputOptions } from './output-options.ts'
import { openProgress } from './progress.ts'
import { recoverFiles, temporaryFiles } from './recover-files.ts'

export interface BatchCommandOptions extends IssueCommandOptions, IdentityOptions, OutputOptions {
  readonly batch: string
  readonly name?: string
  readonly keepGoing?: boolean
}

export async function runBatch(options: BatchCommandOptions, output: DeviceOutput): Promise<void> {
  const text = await readTable(options.batch)
  await withCa(options, async ca => {
    const { set, issuer } = await loadContext(options, ca)
    const { identity: kind, set: given, name: nameColumn, days, out } = options
    const plan = planBatch(ca, { text, file: options.batch }, { set, issuer, kind, given, nameColumn, days })
    await mkdir(out, { recursive: true })
    const temporary = await temporaryFiles(out)
    const occupied = await occupiedRows(
      plan.rows,
      row => ca.ledger.everHeld(`identity ${row.plan.identity}`).length > 0,
      out,
      output,
    )
    const problems = [...plan.problems, ...occupied.map(({ problem: p }) => p)]
    tellPlan(plan, problems)
    if (problems.length > 0 && !options.keepGoing) {
      say('nothing was issued; --keep-going issues the other rows', 'bad')
      process.exitCode = exitCodes.no
      return
    }
    const rows = plan.rows.filter(row => !occupied.some(one => one.row === row))
    const stopping = new AbortController()
    const stop = (): void => stopping.abort()
    process.once('SIGINT', stop)
    process.once('SIGTERM', stop)
    const progress = await openProgress(rows.length)
    try {
      const result = await issueBatch(ca, rows, {
        keyType: options.key,
        stage: (name, signed, keyPem) =>
          stageDevice(deviceFiles(out, name, true, output), { name, signed, keyPem }, output, ca),
        recover: record => recoverFiles({ folder: out, output, temporary }, record, ca),
        onProgress: progress.show,
        wait: async (ms, held) => {
          say(
            `${count(held, 'device')} reserved by another command, or by one that was killed: waiting for ${Math.ceil(ms / 1000)} s`,
          )
          await setTimeout(ms, undefined, { signal: stopping.signal }).catch(() => undefined)
        },
        signal: stopping.signal,
      })
      progress.end()
      tellResult(result, problems, options)
    } finally {
      progress.end()
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    }
  })
}

async function readTable(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const sentence = `the table cannot be read (${(error as NodeJS.ErrnoException).code})`
    throw new PortcullisError([
      problem('provision/no-table', sentence, {
        where: { file },
        help: 'name a CSV file with one row for each device',
      }),
    ])
  }
}

interface Occupied {
  readonly row: BatchRow
  readonly problem: Problem
}

/** Rows whose files are there, though no certificate of theirs is. */
async function occupiedRows(
  rows: readonly BatchRow[],
  isKnown: (row: BatchRow) => boolean,
  out: string,
  output: DeviceOutput,
): Promise<readonly Occupied[]> {
  const found: Occupied[] = []
  for (const row of rows) {
    if (isKnown(row)) continue
    const paths = pathsOf(deviceFiles(out, row.plan.name, true, output))
    const taken = await requireFree(paths).then(
      () => undefined,
      (error: Error & { problems?: readonly Problem[] }) => error.problems?.[0],
    )
    if (taken !== undefined) found.push({ row, problem: taken })
  }
  return found
}

function tellPlan({ ignored }: BatchPlan, problems: readonly Problem[]): void {
  sayProblems(problems)
  if (ignored.length > 0) say(`not for certificates, and ignored: ${ignored.join(', ')}`)
}

function tellResult(result: BatchResult, before: readonly Problem[], { json, batch }: BatchCommandOptions): void {
  const { issued, whole, completed, elsewhere, revoked, refused, stopped } = result
  sayProblems(refused.map(({ row, problem: p }) => problem(p.code, `${row.place}: ${p.sentence}`, { help: p.help })))
  for (const name of elsewhere)
    say(`${name} has a certificate already, and its key is not here: portcullis device renew ${name}`)
  for (const name of revoked)
    say(`${name} was revoked, and is left alone: portcullis device issue ${name} gives it a new one`)
  const refusals = before.length + refused.length
  if (json) answerJson({ issued, whole, completed, elsewhere, revoked, refused: refusals, stopped })
  else {
    const parts = [
      `${issued.length} issued`,
      ...(whole.length === 0 ? [] : [`${whole.length} there already`]),
      ...(completed.length === 0 ? [] : [`${completed.length} completed`]),
      ...(elsewhere.length === 0 ? [] : [`${elsewhere.length} with a key elsewhere`]),
      ...(revoked.length === 0 ? [] : [`${revoked.length} revoked before`]),
      ...(refusals === 0 ? [] : [`${refusals} refused`]),
    ]
    answer(parts.join(', '))
  }
  if (refusals > 0) process.exitCode = exitCodes.no
  if (!stopped) return
  say(`stopped; the same command goes on with what is left of ${batch}`, 'bad')
  process.exitCode = exitCodes.failed
}
