/** One broker as a process that is killed and started again; what it says of itself is followed line by line. */
import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { TraceEvent } from '../../src/trace.ts'

const main = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))

export interface NodeOptions {
  readonly name: string
  readonly folder: string
  /** Behind `serve`. */
  readonly args: readonly string[]
}

interface NodeEvents {
  /** A line of its log. */
  said: [TraceEvent]
  /** Its process exists. */
  spawned: []
  /** It listens. */
  ready: []
  /** It has ended. */
  gone: []
  /** It has ended, although it was ready and nobody killed it. */
  failed: [Error]
}

export class Node extends EventEmitter<NodeEvents> {
  readonly name: string
  /** Revision of the policy that it has said to be in force. */
  revision = ''
  port = 0
  readonly #options: NodeOptions
  #child: ChildProcess | undefined
  /** How often it was started. */
  starts = 0
  /** Entries of the revocation list that it has said to be in force since it was started. */
  entries = 0
  #isReady = false
  #hasLoaded = false
  #lastWords: string[] = []

  constructor(options: NodeOptions) {
    super()
    this.setMaxListeners(0)
    this.name = options.name
    this.#options = options
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** What it said last, for whoever waits for something else. */
  get lastWords(): string {
    const state = this.#isReady ? 'ready' : this.#child === undefined ? 'not running' : 'starting'
    return `${this.name} is ${state}: ${this.#lastWords.join(' / ')}`
  }

  get isRunning(): boolean {
    return this.#child !== undefined
  }

  /** Resolves when it listens. Rejects where it ends before that, unless it is killed; and where it runs already. */
  async start(): Promise<void> {
    const { folder, args } = this.#options
    // the first process would never be killed: a node that nobody knows of
    if (this.#child !== undefined) throw new Error(`it is started a second time; ${this.lastWords}`)
    const child = spawn(process.execPath, [main, 'serve', ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    this.starts++
    this.entries = 0
    this.#hasLoaded = false
    this.#lastWords = []
    this.emit('spawned')
    child.once('close', () => {
      const failed = this.#isReady && child.signalCode === null
      this.#child = undefined
      this.#isReady = false
      this.emit('gone')
      if (failed) this.emit('failed', new Error(`it has ended by itself; ${this.lastWords}`))
    })
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', line => this.#read(line))
    let revision = ''
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', line => {
      const port = /^guarding mqtts:\/\/[^ ]*:(\d+)/.exec(line)?.[1]
      if (port !== undefined) this.port = Number(port)
      revision = /^policy .* revision ([0-9a-f]+)/.exec(line)?.[1] ?? revision
      if (!line.startsWith('certs ') || this.#child !== child) return
      // what it started with, unless it has said meanwhile that another one is in force
      if (!this.#hasLoaded) this.revision = revision
      this.#isReady = true
      this.emit('ready')
    })
    await Promise.race([once(this, 'ready'), once(this, 'gone')])
    if (!this.#isReady && child.signalCode === null) {
      throw new Error(`it does not start; ${this.lastWords}`)
    }
  }

  /** Without warning. Resolves when the process is gone. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const gone = once(child, 'close')
    child.kill('SIGKILL')
    await gone
  }

  #read(line: string): void {
    this.#lastWords = [...this.#lastWords.slice(-2), line]
    let event: TraceEvent
    try {
      event = JSON.parse(line) as TraceEvent
    } catch {
      // cut by a kill, or no log line
      return
    }
    if (event.event === 'policy-loaded') {
      this.#hasLoaded = true
      this.revision = event.revision
    }
    if (event.event === 'revocations-loaded') this.entries = event.entries
    this.emit('said', event)
  }
}
