/**
 * Watchers: who sees decisions and events live. What the broker tells is put into a bounded queue of each watcher and written later, no
 * faster than it is read: a watcher that is slow, or asks for more than a person can read, loses lines, and is told how many.
 */
import { type Clock, systemClock } from '../../observe/clock.ts'
import { logTrace } from '../../observe/log.ts'
import { matches, overlaps } from '../../policy/filter-algebra.ts'
import { parseTopicFilter, parseTopicName, type TopicFilter } from '../../policy/topic.ts'
import type { Trace, TraceEvent } from '../../trace.ts'
import { isRefusal } from './is-refusal.ts'
import type { AdminRequest } from './protocol.ts'
import { fitsWho } from './who-pattern.ts'

export type WatchRequest = Extract<AdminRequest, { readonly command: 'watch' }>

/** Where the lines of one watcher go. */
export interface WatchSink {
  /** `lost`: how many events before this line are not shown. */
  readonly write: (answer: { readonly ok: true; readonly line?: string; readonly lost?: number }) => void
  /** Whether everything that was written has been read. */
  readonly isDrained: () => boolean
}

/** Events that wait for the next round. */
const queueLength = 250
const roundMs = 100
/** Characters of one round: a topic may have 65,535 bytes. */
const roundLength = 1024 * 1024

export interface WatchersOptions {
  /** The policy folder, for the `policy explain` lines. */
  readonly policies: string
  readonly clock?: Clock
  readonly now?: () => Date
  /** Called with what takes every permit, as long as somebody wants to see them; with undefined after. */
  readonly onPermitsWanted: (trace: Trace | undefined) => void
}

export class Watchers {
  readonly #options: WatchersOptions
  readonly #watchers = new Set<Watcher>()

  constructor(options: WatchersOptions) {
    this.#options = options
  }

  /** Told everything that the gate tells. */
  readonly trace: Trace = event => {
    for (const watcher of this.#watchers) watcher.take(event)
  }

  /** Gives what ends the watch. */
  add(request: WatchRequest, sink: WatchSink): () => void {
    const watcher = new Watcher(request, sink, this.#options)
    this.#watchers.add(watcher)
    this.#askForPermits()
    return () => {
      watcher.close()
      this.#watchers.delete(watcher)
      this.#askForPermits()
    }
  }

  #askForPermits(): void {
    const isWanted = [...this.#watchers].some(watcher => watcher.wantsPermits)
    this.#options.onPermitsWanted(isWanted ? this.trace : undefined)
  }
}

class Watcher {
  readonly wantsPermits: boolean
  readonly #fits: (event: TraceEvent) => boolean
  readonly #sink: WatchSink
  readonly #now: () => Date
  readonly #clock: Clock
  readonly #render: Trace
  readonly #queue: { readonly event: TraceEvent; readonly at: Date }[] = []
  #lost = 0
  #rendered = ''
  #at = new Date(0)
  #cancelRound: () => void = () => undefined

  constructor(request: WatchRequest, sink: WatchSink, { policies, clock, now }: WatchersOptions) {
    this.wantsPermits = !request.refused
    this.#fits = filterOf(request)
    this.#sink = sink
    this.#clock = clock ?? systemClock
    this.#now = now ?? (() => new Date())
    const write = (line: string): void => {
      this.#rendered = line.trimEnd()
    }
    this.#render = logTrace({ format: request.format, write, policies, now: () => this.#at })
  }

  take(event: TraceEvent): void {
    if (!this.#fits(event)) return
    if (this.#queue.length >= queueLength) {
      this.#lost++
      return
    }
    this.#queue.push({ event, at: this.#now() })
    if (this.#queue.length === 1) this.#wake()
  }

  close(): void {
    this.#cancelRound()
  }

  #wake(): void {
    this.#cancelRound()
    this.#cancelRound = this.#clock.after(roundMs, () => this.#round())
  }

  /** What is not read is not followed by more: the queue fills, and what finds no place is counted. */
  #round(): void {
    let length = 0
    while (this.#sink.isDrained() || length > 0) {
      if (length > roundLength) break
      const next = this.#queue.shift()
      if (next === undefined) break
      this.#at = next.at
      this.#render(next.event)
      length += this.#rendered.length
      this.#sink.write({ ok: true, line: this.#rendered })
    }
    if (this.#queue.length > 0) {
      this.#wake()
    } else if (this.#lost > 0) {
      this.#sink.write({ ok: true, lost: this.#lost })
      this.#lost = 0
    }
  }
}

/** What has no device or topic is about everybody: it fits where neither was asked for. */
function filterOf({ refused, who, topic }: WatchRequest): (event: TraceEvent) => boolean {
  const fitsTopic = topic === undefined ? () => true : topicFilterOf(topic as TopicFilter)
  return event => {
    if (refused && !isRefusal(event)) return false
    const peer = 'peer' in event ? event.peer : undefined
    return fitsWho(who, [peer?.who, peer?.clientId, peer?.subject]) && fitsTopic(event)
  }
}

/** A subscription fits where it could bring such a topic. */
function topicFilterOf(filter: TopicFilter): (event: TraceEvent) => boolean {
  return event => {
    const action = 'action' in event ? event.action : undefined
    if (action === undefined || action.verb === 'connect') return false
    if (action.verb === 'subscribe') {
      const asked = parseTopicFilter(action.topic)
      return asked.ok && overlaps(filter, asked.value)
    }
    const name = parseTopicName(action.topic)
    return name.ok && matches(filter, name.value)
  }
}
