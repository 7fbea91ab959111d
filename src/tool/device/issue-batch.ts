/** `portcullis device issue --batch TABLE`: certificates for all devices of a CSV table. */
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { PortcullisError, type Problem, problem } from '../../problem.ts'
import type { OpenCa } from '../../provision/ca-folder.ts'
import { type BatchResult, type BatchRow, issueBatch } from '../../provision/issue-batch.ts'
import type { Ledger } from '../../provision/ledger.ts'
import { fileExists } from '../../provision/staged-files.ts'
import { withCa } from '../ca/open.ts'
import { sweepDeviceLeftovers } from '../ca/sweep-leftovers.ts'
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
  /** Threads that make keys and sign. Default: one for each core. */
  readonly jobs?: number
}

export async function runBatch(options: BatchCommandOptions, output: DeviceOutput): Promise<void> {
  const text = await readTable(options.batch)
  await withCa(options, async ca => {
    const { set, issuer } = await loadContext(options, ca)
    const { identity: kind, set: given, name: nameColumn, days } = options
    const plan = planBatch(ca, { text, file: options.batch }, { set, issuer, kind, given, nameColumn, days })
    await untilSignal(signal => issuePlanned(ca, plan, options, output, signal))
  })
}

/** The first Ctrl-C aborts the signal, and another one the process. */
async function untilSignal(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stopping = new AbortController()
  const stop = (): void => stopping.abort()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    await run(stopping.signal)
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}

async function issuePlanned(
  ca: OpenCa,
  plan: BatchPlan,
  options: BatchCommandOptions,
  output: DeviceOutput,
  signal: AbortSignal,
): Promise<void> {
  const { out } = options
  await mkdir(out, { recursive: true })
  await sweepDeviceLeftovers(out, ca.ledger)
  const temporary = await temporaryFiles(out)
  const occupied = await occupiedRows(ca.ledger, plan.rows, out, output)
  const problems = [...plan.problems, ...occupied.values()]
  tellPlan(plan, problems)
  if (problems.length > 0 && !options.keepGoing) {
    say('nothing was issued; --keep-going issues the other rows', 'bad')
    process.exitCode = exitCodes.no
    return
  }
  const rows = plan.rows.filter(row => !occupied.has(row))
  const progress = await openProgress(rows.length)
  try {
    const result = await issueBatch(ca, rows, {
      keyType: options.key,
      pkcs12: output.pkcs12,
      jobs: options.jobs ?? availableParallelism(),
      stage: device => stageDevice(deviceFiles(out, device.name, true, output), device, output, ca),
      recover: record => recoverFiles({ folder: out, output, temporary }, record, ca),
      onProgress: progress.show,
      wait: async (ms, held) => {
        const seconds = Math.ceil(ms / 1000)
        say(`${count(held, 'device')} reserved by another command, or by one that was killed: waiting for ${seconds} s`)
        await setTimeout(ms, undefined, { signal }).catch(() => undefined)
      },
      signal,
    })
    progress.end()
    tellResult(result, problems, options)
  } finally {
    progress.end()
  }
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

/** What is asked of the ledger at once: its answers hold the certificates. */
const askedAtOnce = 500

/** Rows whose files are there, though no certificate of theirs is. */
async function occupiedRows(
  ledger: Ledger,
  rows: readonly BatchRow[],
  out: string,
  output: DeviceOutput,
): Promise<ReadonlyMap<BatchRow, Problem>> {
  const present = new Set(await readdir(out))
  const taken = rows.flatMap(row => {
    const paths = pathsOf(deviceFiles(out, row.plan.name, true, output))
    const path = paths.find(one => present.has(basename(one)))
    return path === undefined ? [] : [{ row, path }]
  })
  const found = new Map<BatchRow, Problem>()
  for (let at = 0; at < taken.length; at += askedAtOnce) {
    const some = taken.slice(at, at + askedAtOnce)
    const held = ledger.everHeld(some.map(({ row }) => `identity ${row.plan.identity}`))
    const known = new Set(held.map(({ identity }) => identity))
    for (const { row, path } of some) if (!known.has(row.plan.identity)) found.set(row, fileExists(path))
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
