/**
 * Traffic: what devices did, as shapes: topics in which the values of whoever did it have become variables. Only what passed
 * counts; what was refused is not drafted. Pure.
 */
import type { LoggedDecision } from '../../observe/read-log.ts'
import { type Level, levelText } from '../../policy/filter-template.ts'
import { identityText } from '../../policy/identity-text.ts'
import type { MappedIdentity } from '../../policy/model.ts'

export type DraftedAction = 'publish' | 'subscribe'

/** What was done alike, by whomever. */
export interface Shape {
  readonly kind: string
  readonly action: DraftedAction
  readonly levels: readonly Level[]
  /** A level had the value of two captures of who did it: nobody knows which was meant. */
  readonly isAmbiguous: boolean
  /** A subscription to more than was allowed. */
  readonly isNarrowed: boolean
  /** Identities that did it. */
  readonly by: Set<string>
  readonly count: number
  readonly maxQos: number
  readonly isRetained: boolean
  readonly isUnretained: boolean
  /** The largest payload; undefined where some line does not say. */
  readonly payloadBytes: number | undefined
  /** One that did it: the first by name and topic, whatever the order of the log. */
  readonly sample: LoggedDecision
}

/** Shapes that are held, which is a file that a person can read; of what comes after only the number is known. */
const mostShapes = 2000

export class Traffic {
  readonly #shapes = new Map<string, Shape>()
  readonly #values = new Set<string>()
  readonly #people = new Map<string, MappedIdentity>()
  #decisions = 0
  #beyond = 0

  add(decision: LoggedDecision): void {
    const { identity, captures, action } = decision
    this.#decisions += 1
    const who = { kind: identity, captures }
    this.#people.set(identityText(who), who)
    for (const value of captures.values()) this.#values.add(value)
    // what somebody was sent follows from what it subscribed to
    if (action.verb === 'connect' || action.verb === 'receive') return
    if (decision.effect === 'permit' || decision.reportOnly === true) this.#see(decision)
  }

  get decisions(): number {
    return this.#decisions
  }

  /** Identities that did anything. */
  get people(): number {
    return this.#people.size
  }

  /** Decisions that there was no room for. */
  get beyond(): number {
    return this.#beyond
  }

  /** Sorted: the order of the log does not matter. */
  get shapes(): readonly Shape[] {
    return [...this.#shapes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, shape]) => shape)
  }

  /** Another identity of the same kind with other values throughout, where there is one: the first by name. */
  somebodyElse({ kind, sample }: Shape): MappedIdentity | undefined {
    const fits = ({ captures }: MappedIdentity): boolean =>
      [...captures].every(([name, value]) => sample.captures.get(name) !== value)
    const names = [...this.#people].filter(([, who]) => who.kind === kind && fits(who)).map(([name]) => name)
    return this.#people.get(names.sort()[0] ?? '')
  }

  /** Whether a literal is a value of some identity: after generalising, of another one than did it. */
  isSomebody(level: string): boolean {
    return this.#values.has(level)
  }

  #see(decision: LoggedDecision): void {
    const action: DraftedAction = decision.action.verb === 'subscribe' ? 'subscribe' : 'publish'
    const { levels, isAmbiguous } = generalise(decision)
    const key = JSON.stringify([decision.identity, action, levels.map(levelText), levels])
    const known = this.#shapes.get(key)
    const shape = shapeOf(decision, action, levels, isAmbiguous)
    if (known !== undefined) this.#shapes.set(key, join(known, shape))
    else if (this.#shapes.size < mostShapes) this.#shapes.set(key, shape)
    else this.#beyond += 1
  }
}

/** A level that is one of the device's own values becomes the variable. */
function generalise({ captures, action }: LoggedDecision): { levels: readonly Level[]; isAmbiguous: boolean } {
  let isAmbiguous = false
  const levels = action.topic.split('/').map((level): Level => {
    const [name, ...more] = [...captures].flatMap(([one, value]) => (value === level ? [one] : []))
    if (more.length > 0) isAmbiguous = true
    if (name !== undefined) return { kind: 'variable', name }
    if (level === '+') return { kind: 'plus' }
    return level === '#' ? { kind: 'hash' } : { kind: 'literal', text: level }
  })
  return { levels, isAmbiguous }
}

function shapeOf(sample: LoggedDecision, action: DraftedAction, levels: readonly Level[], isAmbiguous: boolean): Shape {
  const { qos = 0, retain = false, payloadBytes } = sample.action
  return {
    kind: sample.identity,
    action,
    levels,
    isAmbiguous,
    isNarrowed: sample.narrowed === true,
    by: new Set([identityText({ kind: sample.identity, captures: sample.captures })]),
    count: 1,
    maxQos: qos,
    isRetained: retain,
    isUnretained: !retain,
    payloadBytes,
    sample,
  }
}

const sortKey = ({ sample: { captures, clientId, action } }: Shape): string => {
  const { topic, qos, retain, payloadBytes } = action
  return JSON.stringify([[...captures.values()], topic, clientId, qos, retain, payloadBytes])
}

/** Adds what `other` did to `one`, whose set of identities grows: one is joined for each line of a log. */
export function join(one: Shape, other: Shape): Shape {
  for (const who of other.by) one.by.add(who)
  const isKnown = one.payloadBytes !== undefined && other.payloadBytes !== undefined
  return {
    ...one,
    isAmbiguous: one.isAmbiguous || other.isAmbiguous,
    isNarrowed: one.isNarrowed || other.isNarrowed,
    count: one.count + other.count,
    maxQos: Math.max(one.maxQos, other.maxQos),
    isRetained: one.isRetained || other.isRetained,
    isUnretained: one.isUnretained || other.isUnretained,
    payloadBytes: isKnown ? Math.max(one.payloadBytes, other.payloadBytes) : undefined,
    sample: sortKey(one) <= sortKey(other) ? one.sample : other.sample,
  }
}
