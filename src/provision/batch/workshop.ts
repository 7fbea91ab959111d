/** Workshop: where the keys and certificates of a batch are made, in threads of their own or, where few are wanted, in this one. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type KeyType, rememberSpki } from '../keys.ts'
import type { Pkcs12Form } from '../pkcs12.ts'
import {
  type CertificateOrder,
  type CertifiedDevice,
  type CertifyContext,
  certifyDevice,
  type DeviceKey,
  makeDeviceKeys,
} from './make-device.ts'
import { WorkerPool } from './worker-pool.ts'

export interface WorkshopOptions extends CertifyContext {
  readonly keyType: KeyType
  /** Threads at most; 1: none but this one. */
  readonly jobs: number
  /** Below so much work, in milliseconds of one processor, no thread is started. */
  readonly worthwhileMs?: number | undefined
  /** Of the thread's module; where this one is not run as it was built, it must be said. */
  readonly workerUrl?: URL | undefined
}

export type WorkshopTask =
  | { readonly make: KeyType; readonly count: number }
  | { readonly certify: readonly CertificateOrder[] }

export type WorkshopAnswer =
  | { readonly keys: readonly DeviceKey[] }
  | { readonly certified: readonly CertifiedDevice[] }

/** Of one processor for one device: rough measures, for whether threads are worth their start. */
const keyMs: Readonly<Record<KeyType, number>> = { p256: 1, p384: 4, rsa2048: 80, rsa3072: 250, rsa4096: 800 }
const pkcs12Ms: Readonly<Record<Pkcs12Form, number>> = { modern: 5, legacy: 50 }
/** Less takes longer to share than to do: each thread needs a tenth of a second, and more, to start. */
const defaultWorthwhileMs = 300

export class Workshop {
  readonly #options: WorkshopOptions
  #pool: WorkerPool<WorkshopTask, WorkshopAnswer> | undefined
  #isClosed = false

  constructor(options: WorkshopOptions) {
    this.#options = options
  }

  /** Whether it works while this thread does something else. */
  get isBeside(): boolean {
    return this.#pool !== undefined
  }

  /** So many devices are likely to come: threads are started where they pay. */
  expect(devices: number): void {
    const { keyType, jobs, pkcs12, worthwhileMs = defaultWorthwhileMs } = this.#options
    const ms = keyMs[keyType] + (pkcs12 === undefined ? 0 : pkcs12Ms[pkcs12.form])
    if (jobs > 1 && devices > 1 && devices * ms >= worthwhileMs) this.#pool ??= this.#open()
  }

  /** Rejects where a thread dies. */
  async makeKeys(count: number): Promise<readonly DeviceKey[]> {
    const pool = this.#pool
    if (pool === undefined) return this.#makeHere(count)
    const { keyType, jobs } = this.#options
    const slices = slicesOf(count, jobs)
    const answers = await Promise.all(slices.map(([from, to]) => pool.run({ make: keyType, count: to - from })))
    return answers.flatMap(answer => ('keys' in answer ? answer.keys : [])).map(fromThread)
  }

  /** In the order of the orders, each as soon as it is there. */
  certify(orders: readonly CertificateOrder[]): readonly Promise<CertifiedDevice>[] {
    const pool = this.#pool
    if (pool === undefined) return this.#certifyHere(orders)
    return slicesOf(orders.length, this.#options.jobs).flatMap(([from, to]) => {
      const slice = orders.slice(from, to)
      const answer = pool.run({ certify: slice })
      return slice.map(async (_, index) => certifiedIn(await answer, index))
    })
  }

  /** One by one, so that a signal to stop is heard in between. */
  async #makeHere(count: number): Promise<readonly DeviceKey[]> {
    const keys: DeviceKey[] = []
    while (keys.length < count) {
      keys.push(...makeDeviceKeys(this.#options.keyType, 1))
      await nextTurn()
      if (this.#isClosed) throw new Error('the workshop is closed')
    }
    return keys
  }

  /** One by one, so that the files of each are written while the next is signed. */
  #certifyHere(orders: readonly CertificateOrder[]): readonly Promise<CertifiedDevice>[] {
    let turn: Promise<unknown> = Promise.resolve()
    return orders.map(order => {
      const certified = turn.then(() => nextTurn()).then(() => certifyDevice(order, this.#options))
      turn = certified
      return certified
    })
  }

  /** Ends the threads, whatever they are at. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#pool?.close()
  }

  #open(): WorkerPool<WorkshopTask, WorkshopAnswer> {
    const { jobs, signer, pkcs12, chainPem, workerUrl } = this.#options
    // nothing but what signing needs: an authority has its key as text too
    const { name, keyId, keys, notAfter } = signer
    const data: CertifyContext = { signer: { name, keyId, keys, notAfter }, pkcs12, chainPem }
    return new WorkerPool({ url: workerUrl ?? new URL('./workshop-worker.js', import.meta.url), size: jobs, data })
  }
}

/** More slices than threads: a key of RSA may take ten times as long as the next. */
function slicesOf(count: number, jobs: number): readonly (readonly [from: number, to: number])[] {
  const length = Math.max(1, Math.ceil(count / (jobs * 4)))
  return Array.from({ length: Math.ceil(count / length) }, (_, index) => [
    index * length,
    Math.min(count, (index + 1) * length),
  ])
}

function fromThread(key: DeviceKey): DeviceKey {
  rememberSpki(key.publicKey, key.spki)
  return key
}

/** Octets arrive without their being a Buffer. */
function certifiedIn(answer: WorkshopAnswer, index: number): CertifiedDevice {
  const one = 'certified' in answer ? answer.certified[index] : undefined
  if (one === undefined) throw new TypeError('the thread has answered something else')
  return { ...one, signed: { ...one.signed, der: Buffer.from(one.signed.der) } }
}
