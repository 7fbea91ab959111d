/**
 * Issues certificates for many devices, a chunk at a time: the serials of a chunk are reserved in one step of the ledger, its
 * certificates signed, their files staged, all of them noted in one step, and only then the files appear. What a killed run left
 * behind is completed, not issued twice. Threads make keys and sign; the ledger and the files are this one's alone.
 */
import type { Problem } from '../problem.ts'
import type { SignedCertificate } from './authority.ts'
import { issueChunk } from './batch/issue-chunk.ts'
import { KeyStock } from './batch/key-stock.ts'
import { Workshop } from './batch/workshop.ts'
import type { OpenCa } from './ca-folder.ts'
import type { DevicePkcs12, Pkcs12Wish } from './device-pkcs12.ts'
import type { LeafPlan } from './issue-leaf.ts'
import type { KeyType } from './keys.ts'
import { leaseMs } from './ledger.ts'
import type { LedgerRecord } from './ledger-record.ts'
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

/** What the files of a device are made of. */
export interface BatchDevice {
  readonly name: string
  readonly signed: SignedCertificate
  /** PKCS#8. */
  readonly keyPem: string
  /** Where one was asked for. */
  readonly pkcs12: DevicePkcs12 | undefined
}

export interface BatchOptions {
  readonly keyType: KeyType
  /** A PKCS#12 file for each device, too. */
  readonly pkcs12?: Pkcs12Wish | undefined
  /** Threads that make keys and sign. Default 1: none but this one. They are started where there is work enough for them. */
  readonly jobs?: number
  /** How much is work enough, in milliseconds of one processor. */
  readonly worthwhileMs?: number
  /** Module of such a thread, where the sources are run as they stand. */
  readonly workerUrl?: URL
  /** Writes the files of a device under temporary names. */
  readonly stage: (device: BatchDevice) => Promise<StagedFiles>
  /** Looks for the key of a living certificate, and writes the files that are missing beside it. */
  readonly recover: (record: LedgerRecord) => Promise<Leftover>
  /** Told after each chunk, with the rows that are done so far. */
  readonly onProgress?: (done: number) => void
  /** Waits for reservations that another command holds, or a killed one held, at the end; absent: their rows are refused. */
  readonly wait?: (ms: number, rows: number) => Promise<void>
  /** Ends the batch between two chunks, and while keys are made. */
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

export type BatchOutcome = keyof Omit<BatchResult, 'refused' | 'stopped'>

/**
 * Rejects where a disk fails, and with `provision/worker-died`; what is signed and not out is taken back then.
 * @example const { issued, refused } = await issueBatch(ca, rows, { keyType: 'p256', jobs: 4, stage, recover })
 */
export async function issueBatch(ca: OpenCa, rows: readonly BatchRow[], options: BatchOptions): Promise<BatchResult> {
  const { keyType, jobs = 1, pkcs12, workerUrl, worthwhileMs } = options
  const chainPem = [ca.issuingPem, ca.rootPem]
  const workshop = new Workshop({ keyType, jobs, pkcs12, workerUrl, worthwhileMs, signer: ca.authority, chainPem })
  try {
    return await issueRows(ca, rows, workshop, options)
  } finally {
    await workshop.close()
  }
}

async function issueRows(
  ca: OpenCa,
  rows: readonly BatchRow[],
  workshop: Workshop,
  options: BatchOptions,
): Promise<BatchResult> {
  const line = { ca, workshop, stock: new KeyStock(count => workshop.makeKeys(count)), options }
  const done: Record<BatchOutcome, string[]> = { issued: [], whole: [], completed: [], elsewhere: [], revoked: [] }
  const refused: { row: BatchRow; problem: Problem }[] = []
  const held: BatchRow[] = []
  let left = rows
  let isStopped = options.signal?.aborted === true
  while (left.length > 0 && !isStopped) {
    const chunk = left.slice(0, chunkLength)
    left = left.slice(chunkLength)
    const { settled, untouched } = await issueChunk(line, chunk, left)
    for (const { row, result } of settled) {
      if (result.ok) done[result.value].push(row.plan.name)
      else if (options.wait !== undefined && leaseLeft(ca, row) > 0) held.push(row)
      else refused.push({ row, problem: result.problem })
    }
    if (untouched.length > 0) left = [...untouched, ...left]
    options.onProgress?.(rows.length - left.length - held.length)
    isStopped = options.signal?.aborted === true
    if (left.length > 0 || held.length === 0 || isStopped) continue
    await options.wait?.(Math.max(...held.map(row => leaseLeft(ca, row))), held.length)
    left = held.splice(0)
    isStopped = options.signal?.aborted === true
  }
  return { ...done, refused, stopped: left.length > 0 || held.length > 0 }
}

/** Milliseconds until what another command has reserved for this identity may be taken back; 0: nothing is reserved. */
function leaseLeft({ ledger, now }: OpenCa, { plan }: BatchRow): number {
  const reserved = ledger.everHeld([`identity ${plan.identity}`]).filter(({ state }) => state === 'reserved')
  return Math.max(0, ...reserved.map(({ since }) => since.getTime() + leaseMs - now().getTime()))
}
