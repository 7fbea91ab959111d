/** Role set: what the rules of some roles say to everybody who holds them, prepared once. The values of variables are a session's. Pure. */
import { type FilterTemplate, variablesOf } from '../policy/filter-template.ts'
import type { PolicySet, Rule } from '../policy/model.ts'
import { buildTrie, type FilterTrie } from './filter-trie.ts'
import { fillIn, type Grant } from './grant.ts'
import type { Program } from './program.ts'
import { type SlotMeetings, slotMeetings } from './slot-pattern.ts'

type Values = ReadonlyMap<string, readonly string[]>

/** Filters that have the same variables: how many they come to is a product of the numbers of values. */
interface ExpansionGroup {
  readonly slots: readonly number[]
  readonly filters: number
}

export interface RoleSet {
  /** Constants that are put in; the role set is for holders for whom they are just that. */
  readonly constants: Values
  /** All grants, in the order of roles and rules. */
  readonly grants: readonly Grant[]
  /** Names of the variables that stay open; each is a slot. */
  readonly variables: readonly string[]
  readonly expansions: readonly ExpansionGroup[]
  /** Slots that stand twice in one filter: a list there means the same value at both places. */
  readonly repeated: readonly number[]
  readonly meetings: SlotMeetings
  readonly publish: FilterTrie
  /** Subscribe allows, and the denies of receive and subscribe. */
  readonly receive: FilterTrie
  readonly subscribeDenies: FilterTrie
  /** By key of the slot pattern. */
  readonly programs: Map<string, Program>
}

/** Every filter of every rule of these roles. */
export function grantsOf(set: PolicySet, roles: readonly string[]): readonly Grant[] {
  const rules = [...new Set(roles)].flatMap(name => set.roles.get(name)?.rules ?? [])
  return rules.flatMap(rule => rule.filters.map(template => ({ template, rule })))
}

/** Prepares a role set. */
export function makeRoleSet(open: readonly Grant[], constants: Values): RoleSet {
  const grants = constants.size === 0 ? open : open.flatMap(grant => fillIn(grant, constants))
  const namesOf = grants.map(({ template }) => variablesOf(template))
  const variables = [...new Set(namesOf.flat())]
  const slotOf = new Map(variables.map((name, slot) => [name, slot]))
  const of = (action: Rule['action'], effect: Rule['effect']): readonly Grant[] =>
    // such a rule grants shared subscriptions only
    grants.filter(({ rule }) => rule.action === action && rule.effect === effect && rule.share === undefined)
  const publish = buildTrie(of('publish', 'allow'), of('publish', 'deny'), slotOf)
  const denies = [...of('receive', 'deny'), ...of('subscribe', 'deny')]
  const receive = buildTrie(of('subscribe', 'allow'), denies, slotOf)
  return {
    constants,
    grants,
    variables,
    expansions: expansionsOf(namesOf, slotOf),
    repeated: repeatedSlots(grants, slotOf),
    meetings: slotMeetings([publish.grants, receive.grants], slotOf),
    publish,
    receive,
    subscribeDenies: buildTrie([], of('subscribe', 'deny'), slotOf),
    programs: new Map(),
  }
}

type SlotNumbers = ReadonlyMap<string, number>

function expansionsOf(namesOf: readonly (readonly string[])[], slotOf: SlotNumbers): readonly ExpansionGroup[] {
  const groups = new Map<string, { slots: readonly number[]; filters: number }>()
  for (const names of namesOf) {
    const key = names.join(' ')
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { slots: names.map(name => slotOf.get(name) as number), filters: 1 })
    else group.filters += 1
  }
  return [...groups.values()]
}

/** Names of the variables that stand more than once in a filter. */
export function repeatedVariables({ levels }: FilterTemplate): readonly string[] {
  const names = levels.flatMap(level => (level.kind === 'variable' ? [level.name] : []))
  return names.filter((name, at) => names.indexOf(name) < at)
}

function repeatedSlots(grants: readonly Grant[], slotOf: SlotNumbers): readonly number[] {
  const names = new Set(grants.flatMap(({ template }) => repeatedVariables(template)))
  return [...names].map(name => slotOf.get(name) as number)
}
