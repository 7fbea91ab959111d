/** Program: a role set for sessions of one slot pattern, and the automata that decide for them. Pure. */
import type { Rule } from '../policy/model.ts'
import { buildAutomaton } from './automaton.ts'
import { type EncodedAutomaton, encodeAutomaton } from './automaton-code.ts'
import type { FilterTrie } from './filter-trie.ts'
import type { Outcome } from './outcome.ts'
import type { RoleSet } from './role-set.ts'
import { plainPattern, type SlotPattern } from './slot-pattern.ts'

/** An automaton as it is run. */
export interface Machine extends EncodedAutomaton {
  readonly outcomes: readonly Outcome[]
  /** The answers of the outcomes that are settled: what most decisions come to. */
  readonly permits: readonly Outcome['permit'][]
}

/** A role set for sessions of one slot pattern. Automata are made when they are first needed. */
export class Program {
  readonly roleSet: RoleSet
  readonly isNarrowing: boolean
  /** Undefined: no automaton can be. */
  readonly #pattern: SlotPattern | undefined
  #publish: Machine | undefined | null = null
  #receive: Machine | undefined | null = null

  constructor(roleSet: RoleSet, pattern: SlotPattern | undefined, isNarrowing: boolean) {
    this.roleSet = roleSet
    this.isNarrowing = isNarrowing
    this.#pattern = pattern
  }

  /** Undefined: there is none, and the trie itself is walked. */
  get publish(): Machine | undefined {
    if (this.#publish === null) this.#publish = this.#make(this.roleSet.publish, isConditional, '$SYS')
    return this.#publish
  }

  get receive(): Machine | undefined {
    if (this.#receive === null) this.#receive = this.#make(this.roleSet.receive, () => false)
    return this.#receive
  }

  #make(trie: FilterTrie, conditional: (rule: Rule) => boolean, reserved?: string): Machine | undefined {
    const automaton = this.#pattern && buildAutomaton(trie, this.#pattern, conditional, reserved)
    if (automaton === undefined) return undefined
    const { outcomes } = automaton
    return { ...encodeAutomaton(automaton), outcomes, permits: outcomes.map(({ permit }) => permit) }
  }
}

/** Whether a publish allow depends on more than the topic. */
function isConditional({ retain, maxQos, maxPayloadBytes }: Rule): boolean {
  return retain !== undefined || (maxQos ?? 2) < 2 || maxPayloadBytes !== undefined
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
