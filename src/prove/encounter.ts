/** Whether what two people can do meets in a topic, for any captures that they may have; with the witness. Pure. */
import type { IdentityRule, Rule } from '../policy/model.ts'
import type { TopicFilter, TopicName } from '../policy/topic.ts'
import { assignments, capturesIn, filterIn } from './assign.ts'
import { Bindings } from './bindings.ts'
import { meetFilters } from './meet-filters.ts'
import { type Reach, retainCells, undeniedTopic, type World } from './reach.ts'
import type { RoleSet } from './role-sets.ts'

/** A certificate, with roles that its owner may have, and the rule by which it acts. */
export interface Someone {
  readonly identity: IdentityRule
  readonly captures: ReadonlyMap<string, string>
  readonly roles: RoleSet
  /** The rule by which; undefined where none is. */
  readonly rule: Rule | undefined
  readonly direction: Reach['direction']
}

export interface Encounter {
  readonly topic: TopicName
  readonly retain: boolean
  readonly people: readonly [Someone, Someone]
}

type Captures = ReadonlyMap<string, string>

/** It costs about so many steps of a search. */
const stepsOfEncounter = 50

export interface Wanted {
  /** Of the two people, once their captures are known. */
  readonly holds: (a: Captures, b: Captures) => boolean
  /** The same as far as the bindings tell, to give up early; absent: perhaps. */
  readonly mayHold?: (bindings: Bindings) => boolean
  /** Topics that do not count. */
  readonly outside: readonly TopicFilter[]
}

/** Two certificates of one identity that agree on `unique` are one device: all their captures are equal. */
function assumeUnique(a: Reach, b: Reach, bindings: Bindings): boolean {
  const { rule } = a.person.variant
  if (rule !== b.person.variant.rule || rule.unique.length === 0) return true
  const pair = (name: string) => [a.person.captures.get(name), b.person.captures.get(name)] as const
  const isSame = rule.unique.every(name => {
    const [x, y] = pair(name)
    return x !== undefined && y !== undefined && bindings.resolve(x) === bindings.resolve(y)
  })
  return (
    !isSame ||
    rule.captures.every(name => {
      const [x, y] = pair(name)
      return x !== undefined && y !== undefined && bindings.equate(x, y)
    })
  )
}

function isOneDeviceTwice({ unique }: IdentityRule, a: Captures, b: Captures): boolean {
  return (
    unique.length > 0 &&
    unique.every(name => a.get(name) === b.get(name)) &&
    [...a].some(([name, value]) => b.get(name) !== value)
  )
}

/** @example encounter(world, published, sent, { holds: () => true, outside: [] })?.topic */
export function encounter(world: World, a: Reach, b: Reach, wanted: Wanted): Encounter | undefined {
  world.budget.spend(stepsOfEncounter)
  const bindings = new Bindings()
  const joint = meetFilters(a.grant.levels, b.grant.levels, bindings)
  if (joint === undefined || !assumeUnique(a, b, bindings) || wanted.mayHold?.(bindings) === false) return undefined
  for (const assignment of assignments([a.person, b.person], bindings, world.named)) {
    world.budget.spend(stepsOfEncounter)
    const [first, second] = [a, b].map(one => capturesIn(world.set, one.person, assignment))
    if (first === undefined || second === undefined || !wanted.holds(first, second)) continue
    const { rule } = a.person.variant
    if (rule === b.person.variant.rule && isOneDeviceTwice(rule, first, second)) continue
    const filter = filterIn(joint, assignment)
    if (filter === '$SYS' || filter.startsWith('$SYS/')) continue // nobody publishes there
    for (const retain of retainCells(a)) {
      for (const retainToo of b.direction === 'publish' ? retainCells(b) : [retain]) {
        const ways = [[a, retain] as const, [b, retainToo] as const]
        const topic = undeniedTopic(world, filter, ways, assignment, wanted.outside)
        if (topic !== undefined) return { topic, retain, people: [someone(a, first), someone(b, second)] }
      }
    }
  }
  return undefined
}

function someone({ person, roles, grant, direction }: Reach, captures: Captures): Someone {
  return { identity: person.variant.rule, captures, roles, rule: grant.rule, direction }
}
