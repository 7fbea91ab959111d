/** Role set: what the rules of some roles say to everybody who holds them, prepared once. The values of variables are a session's. Pure. */
import { type FilterTemplate, variablesOf } from '../policy/filter-template.ts'
import type { PolicySet, Rule } from '../policy/model.ts'
import { type Automaton, buildAutomaton } from './automaton.ts'
import { type EncodedAutomaton, encodeAutomaton } from './automaton-code.ts'
import { buildTrie, type FilterTrie } from './filter-trie.ts'
import { fillIn, type Grant } from './grant.ts'
import type { Outcome } from './outcome.ts'
import { plainPattern, type SlotMeetings, type SlotPattern, slotMeetings } from './slot-pattern.ts'

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

/** An automaton as it is run; undefined where there is none, and the trie itself is walked. */
export type Machine = (EncodedAutomaton & { readonly outcomes: readonly Outcome[] }) | undefined

/** A role set for sessions of one slot pattern. Automata are made when they are first needed. */
export class Program {
  readonly roleSet: RoleSet
  readonly isNarrowing: boolean
  /** Undefined: no automaton can be. */
  readonly #pattern: SlotPattern | undefined
  #publish: Machine | null = null
  #receive: Machine | null = null

  constructor(roleSet: RoleSet, pattern: SlotPattern | undefined, isNarrowing: boolean) {
    this.roleSet = roleSet
    this.isNarrowing = isNarrowing
    this.#pattern = pattern
  }

  get publish(): Machine {
    if (this.#publish === null) this.#publish = this.#make(this.roleSet.publish, isConditional, '$SYS')
    return this.#publish
  }

  get receive(): Machine {
    if (this.#receive === null) this.#receive = this.#make(this.roleSet.receive, () => false)
    return this.#receive
  }

  #make(trie: FilterTrie, conditional: (rule: Rule) => boolean, reserved?: string): Machine {
    const automaton: Automaton | undefined = this.#pattern && buildAutomaton(trie, this.#pattern, conditional, reserved)
    return automaton && { ...encodeAutomaton(automaton), outcomes: automaton.outcomes }
  }
}

/** Whether a publish allow depends on more than the topic. */
function isConditional({ retain, maxQos, maxPayloadBytes }: Rule): boolean {
  return retain !== undefined || (maxQos ?? 2) < 2 || maxPayloadBytes !== undefined
}

/** Every filter of every rule of these roles. */
export function grantsOf(set: PolicySet, roles: readonly string[]): readonly Grant[] {
  const rules = [...new Set(roles)].flatMap(name => set.roles.get(name)?.rules ?? [])
  return rules.flatMap(rule => rule.filters.map(template => ({ template, rule })))
}

/** Prepares a role set. */
export function makeRoleSet(open: readonly Grant[], constants: Values): RoleSet {
  const grants = constants.size === 0 ? open : open.flatMap(grant => fillIn(grant, constants))
  const variables = [...new Set(grants.flatMap(({ template }) => variablesOf(template)))]
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
    expansions: expansionsOf(grants, slotOf),
    repeated: repeatedSlots(grants, slotOf),
    meetings: slotMeetings([publish.grants, receive.grants], slotOf),
    publish,
    receive,
    subscribeDenies: buildTrie([], of('subscribe', 'deny'), slotOf),
    programs: new Map(),
  }
}

type SlotNumbers = ReadonlyMap<string, number>

function expansionsOf(grants: readonly Grant[], slotOf: SlotNumbers): readonly ExpansionGroup[] {
  const groups = new Map<string, { slots: readonly number[]; filters: number }>()
  for (const { template } of grants) {
    const slots = variablesOf(template).map(name => slotOf.get(name) as number)
    const key = slots.join(' ')
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { slots, filters: 1 })
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

/** Most automata for one role set; sessions of further patterns are decided without. */
const maxPatterns = 256
const withoutAutomaton = 'none'

/** The program for sessions of this pattern. */
export function programFor(roleSet: RoleSet, pattern: SlotPattern | undefined, isNarrowing: boolean): Program {
  const { programs } = roleSet
  const key = pattern?.key ?? withoutAutomaton
  const known = programs.get(key)
  if (known !== undefined) return known
  const isFull = programs.size >= maxPatterns && pattern !== plainPattern
  if (isFull && key !== withoutAutomaton) return programFor(roleSet, undefined, isNarrowing)
  const made = new Program(roleSet, pattern, isNarrowing)
  programs.set(key, made)
  return made
}
