/**
 * Issues the rows of one chunk: what is there already is completed, the others are reserved, signed, staged, noted as issued and
 * published, each step for all of them before the next. While their files are flushed, keys of the following chunk are made.
 */
import { fail, ok, problem, type Result } from '../../problem.ts'
import type { OpenCa } from '../ca-folder.ts'
import type { BatchOptions, BatchOutcome, BatchRow } from '../issue-batch.ts'
import { reservationOf, takeBack } from '../issue-leaf.ts'
import type { LedgerRecord } from '../ledger-record.ts'
import { withKey } from '../plan-device.ts'
import type { StagedFiles } from '../staged-files.ts'
import type { KeyStock } from './key-stock.ts'
import type { CertificateOrder, CertifiedDevice, DeviceKey } from './make-device.ts'
import type { Workshop } from './workshop.ts'

/** What every chunk of a batch has in common. */
export interface BatchLine {
  readonly ca: OpenCa
  readonly workshop: Workshop
  readonly stock: KeyStock
  readonly options: BatchOptions
}

interface Settled {
  readonly row: BatchRow
  readonly result: Result<BatchOutcome>
}

export interface IssuedChunk {
  readonly settled: readonly Settled[]
  /** Rows for which nothing was done, because the batch was ended. */
  readonly untouched: readonly BatchRow[]
}

/** `rest`: the rows after these. */
export async function issueChunk(
  line: BatchLine,
  rows: readonly BatchRow[],
  rest: readonly BatchRow[],
): Promise<IssuedChunk> {
  const held = heldBy(line.ca, rows)
  const known = await Promise.all(rows.map((row, index) => leftoverOf(line, row, held[index] ?? [])))
  const fresh = rows.filter((_, index) => known[index] === undefined)
  const settled = known.filter(one => one !== undefined)
  // as many of the rest, likely, as of these
  line.workshop.expect(fresh.length + (rest.length * fresh.length) / rows.length)
  const issued = await issueFresh(line, fresh, rest.slice(0, rows.length))
  return issued === undefined ? { settled, untouched: fresh } : { settled: [...settled, ...issued], untouched: [] }
}

/** The records of each row's identity, all of them asked for at once. */
function heldBy({ ledger }: OpenCa, rows: readonly BatchRow[]): readonly (readonly LedgerRecord[])[] {
  const byIdentity = new Map<string | undefined, LedgerRecord[]>()
  for (const record of ledger.everHeld(rows.map(({ plan }) => `identity ${plan.identity}`))) {
    byIdentity.set(record.identity, [...(byIdentity.get(record.identity) ?? []), record])
  }
  return rows.map(({ plan }) => byIdentity.get(plan.identity) ?? [])
}

function livingOf({ now }: OpenCa, held: readonly LedgerRecord[]): readonly LedgerRecord[] {
  return held.filter(({ state, notAfter }) => state === 'issued' && notAfter >= now())
}

/** By somebody, and not because it was never handed out. */
function wasTaken({ state, reason }: LedgerRecord): boolean {
  return state === 'revoked' && reason !== 'cessationOfOperation'
}

/** Undefined where this identity is to get a certificate. */
async function leftoverOf(
  { ca, options }: BatchLine,
  row: BatchRow,
  held: readonly LedgerRecord[],
): Promise<Settled | undefined> {
  const living = livingOf(ca, held)
  if (living.length === 0) return held.some(wasTaken) ? { row, result: ok('revoked') } : undefined
  let outcome: BatchOutcome = 'elsewhere'
  // of renewed ones, any whose key is here
  for (const record of living) {
    const found = await options.recover(record)
    if (found !== 'elsewhere') outcome = found
  }
  return { row, result: ok(outcome) }
}

interface Work {
  readonly row: BatchRow
  readonly record: LedgerRecord
  readonly order: CertificateOrder
}

/** Undefined where the batch is ended while keys are made: nothing is reserved then. */
async function issueFresh(
  line: BatchLine,
  rows: readonly BatchRow[],
  following: readonly BatchRow[],
): Promise<readonly Settled[] | undefined> {
  const { ca, workshop, options } = line
  const keys = await unlessEnded(line.stock.take(rows.length), options.signal)
  if (keys === undefined) return undefined
  // asked before anything is reserved: nothing may fail between that and its being taken back
  const ahead = workshop.isBeside ? countFresh(ca, following) : 0
  const { work, refused } = reserve(ca, rows, keys)
  const certified = workshop.certify(work.map(({ order }) => order))
  if (ahead > 0) line.stock.order(ahead)
  const settled = await Promise.allSettled(work.map((one, index) => stage(one, certified[index], options)))
  const signings = settled.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
  try {
    for (const one of settled) if (one.status === 'rejected') throw one.reason
    ca.ledger.issueAll(signings.map(({ record, signed }) => ({ record, der: signed.der })))
  } catch (error) {
    await Promise.all(signings.map(({ staged }) => staged.discard()))
    takeBack(
      ca,
      work.map(({ record }) => record),
    )
    throw error
  }
  const published = await Promise.all(signings.map(one => publish(ca, one)))
  return [...refused, ...published]
}

/** Rows that will want a key; what is asked again when their turn comes, since another process may be quicker. */
function countFresh(ca: OpenCa, rows: readonly BatchRow[]): number {
  return heldBy(ca, rows).filter(held => livingOf(ca, held).length === 0 && !held.some(wasTaken)).length
}

function unlessEnded<T>(coming: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (signal === undefined) return coming
  return new Promise((resolve, reject) => {
    const end = (): void => resolve(undefined)
    signal.addEventListener('abort', end, { once: true })
    coming.then(resolve, reject).finally(() => signal.removeEventListener('abort', end))
  })
}

/** One step of the ledger for all; each is reserved or refused on its own. */
function reserve(
  ca: OpenCa,
  rows: readonly BatchRow[],
  keys: readonly DeviceKey[],
): { readonly work: readonly Work[]; readonly refused: readonly Settled[] } {
  const keyed = rows.map((row, index) => {
    const key = keys[index]
    if (key === undefined) throw new TypeError('there are fewer keys than rows')
    return { row, key, plan: withKey(row.plan, key.publicKey) }
  })
  const reserved = ca.ledger.reserveAll(keyed.map(({ plan }) => reservationOf(ca, plan, { renew: false })))
  const [work, refused]: [Work[], Settled[]] = [[], []]
  for (const [index, { row, key, plan }] of keyed.entries()) {
    const result = reserved[index]
    if (result?.ok !== true) {
      if (result !== undefined) refused.push({ row, result })
      continue
    }
    const { name, subject, sans, notBefore, notAfter } = plan
    const order = { name, subject, sans, notBefore, notAfter, key, serialHex: result.value.serialHex }
    work.push({ row, record: result.value, order })
  }
  return { work, refused }
}

interface Signing extends Pick<Work, 'row' | 'record'>, Pick<CertifiedDevice, 'signed'> {
  readonly staged: StagedFiles
}

async function stage(
  { row, record, order }: Work,
  certified: Promise<CertifiedDevice> | undefined,
  options: BatchOptions,
): Promise<Signing> {
  if (certified === undefined) throw new TypeError('there are fewer certificates than serials')
  const { signed, pkcs12 } = await certified
  const staged = await options.stage({ name: order.name, signed, keyPem: order.key.keyPem, pkcs12 })
  return { row, record, signed, staged }
}

/** A file of that name may have come since it was looked for: then nobody gets the certificate. */
async function publish(ca: OpenCa, { row, record, staged }: Signing): Promise<Settled> {
  try {
    await staged.publish()
    return { row, result: ok('issued') }
  } catch (error) {
    takeBack(ca, [record])
    const sentence = `the files of ${row.plan.name} could not be written (${(error as Error).message})`
    return { row, result: fail(problem('provision/file-exists', sentence)) }
  }
}
