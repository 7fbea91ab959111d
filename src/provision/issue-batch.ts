/**
 * Issues certificates for many devices, a chunk at a time: the serials of a chunk are reserved in one step of the ledger, its
 * certificates signed, their files staged, all of them noted in one step, and only then the files appear. What a killed run left
 * behind is completed, not issued twice.
 */
import { type Problem, problem, type Result } from '../problem.ts'
import { type SignedCertificate, signLeaf } from './authority.ts'
import type { OpenCa } from './ca-folder.ts'
import { type LeafPlan, reservationOf, takeBack } from './issue-leaf.ts'
import { createKeys, type KeyType, keyPem } from './keys.ts'
import { leaseMs } from './ledger.ts'
import type { LedgerRecord } from './ledger-record.ts'
import { withKey } from './plan-device.ts'
import type { StagedFiles } from './staged-files.ts'

/** Rows that share two steps of the ledger, and are written at once. */
const chunkLength = 64

/** One device of the batch, as `planDevice` planned it with any key. */
export interface BatchRow {
  readonly plan: LeafPlan
  /** For people: `fleet.csv:7`. */
  readonly place: string
}

/** What is there already of a certificate that was issued before. */
export type Leftover = 'whole' | 'completed' | 'elsewhere'

export interface BatchOptions {
  readonly keyType: KeyType
  /** Writes the files of a device under temporary names. */
  readonly stage: (name: string, signed: SignedCertificate, keyPem: string) => Promise<StagedFiles>
  /** Looks for the key of a living certificate, and writes the files that are missing beside it. */
  readonly recover: (record: LedgerRecord) => Promise<Leftover>
  /** Told after each chunk, with the rows that are done so far. */
  readonly onProgress?: (done: number) => void
  /** Waits for reservations that another command holds, or a killed one held, at the end; absent: their rows are refused. */
  readonly wait?: (ms: number, rows: number) => Promise<void>
  /** Ends the batch between two chunks. */
  readonly signal?: AbortSignal
}

export interface BatchResult {
  readonly issued: readonly string[]
  /** Names whose certificate and files were there already. */
  readonly whole: readonly string[]
  /** Names whose certificate was there, and whose files a killed run had not written all. */
  readonly completed: readonly string[]
  /** Names with a certificate whose key is not here. */
  readonly elsewhere: readonly string[]
  /** Names whose certificate was revoked: a batch that is run again does not bring them back. */
  readonly revoked: readonly string[]
  readonly refused: readonly { readonly row: BatchRow; readonly problem: Problem }[]
  /** Whether it was ended before its last row. */
  readonly stopped: boolean
}

type Outcome = keyof Omit<BatchResult, 'refused' | 'stopped'>

/** @example const { issued, refused } = await issueBatch(ca, rows, { keyType: 'p256', stage, recover }) */
export async function issueBatch(ca: OpenCa, rows: readonly BatchRow[], options: BatchOptions): Promise<BatchResult> {
  const done: Record<Outcome, string[]> = { issued: [], whole: [], completed: [], elsewhere: [], revoked: [] }
  const refused: { row: BatchRow; problem: Problem }[] = []
  const held: BatchRow[] = []
  let left = rows
  const isStopped = (): boolean => options.signal?.aborted === true
  while (left.length > 0 && !isStopped()) {
    const chunk = left.slice(0, chunkLength)
    left = left.slice(chunkLength)
    for (const { row, result } of await issueChunk(ca, chunk, options)) {
      if (result.ok) done[result.value].push(row.plan.name)
      else if (options.wait !== undefined && leaseLeft(ca, row) > 0) held.push(row)
      else refused.push({ row, problem: result.problem })
    }
    options.onProgress?.(rows.length - left.length - held.length)
    if (left.length > 0 || held.length === 0 || isStopped()) continue
    await options.wait?.(Math.max(...held.map(row => leaseLeft(ca, row))), held.length)
    left = held.splice(0)
  }
  return { ...done, refused, stopped: left.length > 0 || held.length > 0 }
}

/** Milliseconds until what another command has reserved for this identity may be taken back; 0: nothing is reserved. */
function leaseLeft({ ledger, now }: OpenCa, { plan }: BatchRow): number {
  const reserved = ledger.everHeld(`identity ${plan.identity}`).filter(({ state }) => state === 'reserved')
  return Math.max(0, ...reserved.map(({ since }) => since.getTime() + leaseMs - now().getTime()))
}

interface Done {
  readonly row: BatchRow
  readonly result: Result<Outcome>
}

async function issueChunk(ca: OpenCa, rows: readonly BatchRow[], options: BatchOptions): Promise<readonly Done[]> {
  const known = await Promise.all(rows.map(row => leftoverOf(ca, row, options)))
  const fresh = rows.filter((_, index) => known[index] === undefined)
  const issued = await issueFresh(ca, fresh, options)
  return [...known.filter(one => one !== undefined), ...issued]
}

/** Undefined where this identity is to get a certificate. */
async function leftoverOf(ca: OpenCa, row: BatchRow, { recover }: BatchOptions): Promise<Done | undefined> {
  const all = ca.ledger.everHeld(`identity ${row.plan.identity}`)
  const living = all.filter(({ state, notAfter }) => state === 'issued' && notAfter >= ca.now())
  if (living.length === 0) return all.some(wasTaken) ? { row, result: { ok: true, value: 'revoked' } } : undefined
  let result: Result<Outcome> = { ok: true, value: 'elsewhere' }
  // of renewed ones, any whose key is here
  for (const record of living) {
    const found = await recover(record)
    if (found !== 'elsewhere') result = { ok: true, value: found }
  }
  return { row, result }
}

/** By somebody, and not because it was never handed out. */
function wasTaken({ state, reason }: LedgerRecord): boolean {
  return state === 'revoked' && reason !== 'cessationOfOperation'
}

interface Signing {
  readonly row: BatchRow
  readonly record: LedgerRecord
  readonly signed: SignedCertificate
  readonly staged: StagedFiles
}

async function issueFresh(ca: OpenCa, rows: readonly BatchRow[], options: BatchOptions): Promise<readonly Done[]> {
  const keyed = rows.map(row => {
    const keys = createKeys(options.keyType)
    return { row, keys, plan: withKey(row.plan, keys.publicKey) }
  })
  const reserved = ca.ledger.reserveAll(keyed.map(({ plan }) => reservationOf(ca, plan, { renew: false })))
  const refused = keyed.flatMap(({ row }, index): readonly Done[] => {
    const one = reserved[index]
    return one?.ok === false ? [{ row, result: one }] : []
  })
  const work = keyed.flatMap((one, index) => {
    const record = reserved[index]
    return record?.ok ? [{ ...one, record: record.value }] : []
  })
  const settled = await Promise.allSettled(
    work.map(async ({ row, plan, keys, record }): Promise<Signing> => {
      const signed = signLeaf(ca.authority, { ...plan, profile: 'device', serialHex: record.serialHex })
      return { row, record, signed, staged: await options.stage(plan.name, signed, keyPem(keys.privateKey)) }
    }),
  )
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

/** A file of that name may have come since it was looked for: then nobody gets the certificate. */
async function publish(ca: OpenCa, { row, record, staged }: Signing): Promise<Done> {
  try {
    await staged.publish()
    return { row, result: { ok: true, value: 'issued' } }
  } catch (error) {
    await staged.discard()
    takeBack(ca, [record])
    const sentence = `the files of ${row.plan.name} could not be written (${(error as Error).message})`
    return { row, result: { ok: false, problem: problem('provision/file-exists', sentence) } }
  }
}
