/**
 * Worker pool: threads that work off one queue, first come, first served. They are started when there is work for them. Where one
 * dies, all that was asked for is refused, and nothing is asked again: what it had done is not known.
 */
import { Worker } from 'node:worker_threads'
import { PortcullisError, problem } from '../../problem.ts'

/** What a thread says to one task. Errors come as what can be told of them: a thread can hand on no error of ours. */
export type WorkerReply<Answer> =
  | { readonly ok: true; readonly value: Answer }
  | { readonly ok: false; readonly problems: PortcullisError['problems'] | undefined; readonly message: string }

interface Job<Task, Answer> {
  readonly task: Task
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

export interface WorkerPoolOptions {
  /** Of the module that every thread runs: for each message that comes it posts one WorkerReply. */
  readonly url: URL
  /** Threads at most. */
  readonly size: number
  /** What each thread is given, by structured clone. */
  readonly data: unknown
}

export class WorkerPool<Task, Answer> {
  readonly #options: WorkerPoolOptions
  readonly #workers = new Map<Worker, Job<Task, Answer> | undefined>()
  #queue: Job<Task, Answer>[] = []
  #refusal: Error | undefined

  constructor(options: WorkerPoolOptions) {
    this.#options = options
  }

  /** Rejects with what the task threw, or with `provision/worker-died`. */
  run(task: Task): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#refusal !== undefined) {
        reject(this.#refusal)
        return
      }
      this.#queue.push({ task, resolve, reject })
      this.#next()
    })
  }

  /** Ends every thread, whatever it is at, and rejects what was not done. */
  async close(): Promise<void> {
    this.#refuse(died('was told to end'))
    await Promise.all([...this.#workers.keys()].map(worker => worker.terminate()))
  }

  #next(): void {
    const [job] = this.#queue
    if (job === undefined) return
    const idle = [...this.#workers].find(([, at]) => at === undefined)?.[0]
    const worker = idle ?? (this.#workers.size < this.#options.size ? this.#start() : undefined)
    if (worker === undefined) return
    this.#queue.shift()
    this.#workers.set(worker, job)
    worker.postMessage(job.task)
  }

  #start(): Worker {
    const { url, data } = this.#options
    const worker = new Worker(url, { workerData: data })
    worker.on('message', (reply: WorkerReply<Answer>) => {
      const job = this.#workers.get(worker)
      this.#workers.set(worker, undefined)
      if (reply.ok) job?.resolve(reply.value)
      else job?.reject(reply.problems === undefined ? new Error(reply.message) : new PortcullisError(reply.problems))
      this.#next()
    })
    worker.on('messageerror', () => this.#refuse(died('said what cannot be read')))
    worker.on('error', error => this.#refuse(died(`failed: ${error.message}`)))
    worker.on('exit', code => this.#refuse(died(`ended with exit code ${code}`)))
    this.#workers.set(worker, undefined)
    return worker
  }

  #refuse(error: Error): void {
    if (this.#refusal !== undefined) return
    this.#refusal = error
    const waiting = [...this.#workers.values(), ...this.#queue]
    this.#queue = []
    for (const job of waiting) job?.reject(error)
  }
}

function died(what: string): PortcullisError {
  const help = 'run the command again, if need be with --jobs 1'
  return new PortcullisError([problem('provision/worker-died', `a thread that makes keys and signs ${what}`, { help })])
}
