/** AdminDesk: what `serve` has behind its admin socket: what happened lately, who watches, and the socket. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Gate } from '../../gate.ts'
import type { Trace } from '../../trace.ts'
import type { RunningBroker } from '../start-guarded.ts'
import { readVersion } from '../version.ts'
import { AdminServer } from './admin-server.ts'
import { answerRequest } from './answer-request.ts'
import { Recent } from './recent.ts'
import { listenerText } from './status-report.ts'
import { Watchers } from './watchers.ts'

export interface AdminDeskOptions {
  /** The policy folder, for the `policy explain` lines of a watcher. */
  readonly policies: string
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export class AdminDesk {
  readonly #now: () => number
  readonly #startedAt: number
  readonly #recent: Recent
  readonly #watchers: Watchers
  #gate: Gate | undefined
  #server: AdminServer | undefined

  constructor({ policies, now }: AdminDeskOptions) {
    this.#now = now
    this.#startedAt = now()
    this.#recent = new Recent(now)
    this.#watchers = new Watchers({
      policies,
      now: () => new Date(now()),
      onPermitsWanted: trace => {
        if (this.#gate !== undefined) this.#gate.otherPermits = trace
      },
    })
  }

  /** To be told everything that the gate tells, from before it opens. */
  readonly trace: Trace = event => {
    this.#recent.trace(event)
    this.#watchers.trace(event)
  }

  /**
   * Opens the socket. Rejects as `bindSocket` does.
   * @param path absolute
   * @param certFile the broker's own certificate, PEM
   */
  async open(path: string, { gate, inspect, address, wsAddress }: RunningBroker, certFile: string): Promise<void> {
    this.#gate = gate
    const { validTo } = new X509Certificate(await readFile(certFile))
    const answer = answerRequest({
      gate,
      inspect,
      watchers: this.#watchers,
      recent: this.#recent,
      version: readVersion(),
      listeners: [listenerText('mqtts', address), ...(wsAddress === undefined ? [] : [listenerText('wss', wsAddress)])],
      serverNotAfter: new Date(validTo).toISOString(),
      startedAt: this.#startedAt,
      now: this.#now,
    })
    this.#server = await AdminServer.open({ path, answer })
  }

  async close(): Promise<void> {
    await this.#server?.close()
  }
}
