/**
 * Compiles what one rights holder may do under one policy set. Default refuse; deny wins; order never matters. What all holders
 * of the same roles have in common is compiled once (docs/decisions/0007-compiled-decisions.md). Pure.
 */
import { countExpansions, variablesOf } from '../policy/filter-template.ts'
import type { PolicySet, RightsHolder } from '../policy/model.ts'
import { fail, ok, type Problem, problem, type Result } from '../problem.ts'
import { BoundRights } from './bound-rights.ts'
import type { ByteRights } from './decision.ts'
import { fillIn, type Grant } from './grant.ts'
import { programFor } from './program.ts'
import { grantsOf, makeRoleSet, type RoleSet, repeatedVariables } from './role-set.ts'
import { patternOf } from './slot-pattern.ts'
import { ListValue, type SlotValue, slotValue, valuesOf } from './slot-value.ts'

/** Most filters that one session may come to, once list variables are expanded. */
export const maxFiltersPerSession = 10_000
/** Most role sets of one policy set that are remembered; sessions keep theirs. */
const rememberedRoleSets = 1000

type Values = ReadonlyMap<string, readonly string[]>

/** The rules of some roles; holders differ in which constants a value of their own stands before. */
interface Roles {
  /** Names of constants that the rules use. */
  readonly constants: readonly string[]
  readonly byConstants: Map<string, RoleSet>
}

const compiled = new WeakMap<PolicySet, Map<string, Roles>>()

/**
 * Compiles the rights of a session. Fails where its list variables come to more than `maxFiltersPerSession` filters.
 * @example const rights = compileRights(set, holder); if (rights.ok) rights.value.publish(topic, { qos: 0, retain: false, payloadBytes: 4 })
 */
export function compileRights(set: PolicySet, holder: RightsHolder): Result<ByteRights> {
  const roleSet = roleSetOf(set, holder)
  const values = roleSet.variables.map(name => slotValue(valuesOfVariable(name, holder.variables)))
  if (filtersOf(roleSet, values) > maxFiltersPerSession) return fail(tooMany(set, holder))
  const isNarrowing = set.settings.onBroadSubscribe === 'narrow'
  const isSpecial = roleSet.repeated.some(slot => values[slot] instanceof ListValue)
  return ok(isSpecial ? specialise(roleSet, holder.variables, isNarrowing) : bind(roleSet, values, isNarrowing))
}

function bind(roleSet: RoleSet, values: readonly SlotValue[], isNarrowing: boolean): BoundRights {
  const pattern = patternOf(roleSet.meetings, values)
  return new BoundRights(programFor(roleSet, pattern, isNarrowing), values)
}

/** A list variable that stands twice in a filter has the same value at both places, which slots cannot say: it is put in. */
function specialise(shared: RoleSet, variables: Values, isNarrowing: boolean): BoundRights {
  const filled = shared.grants.flatMap((grant): readonly Grant[] => {
    const names = repeatedVariables(grant.template)
    if (names.length === 0) return [grant]
    if (countExpansions(grant.template, variables) === 0) return []
    return fillIn(grant, new Map(names.map(name => [name, valuesOfVariable(name, variables)])))
  })
  const own = makeRoleSet(filled, new Map())
  return bind(
    own,
    own.variables.map(name => slotValue(valuesOfVariable(name, variables))),
    isNarrowing,
  )
}

function roleSetOf(set: PolicySet, { roles, variables }: RightsHolder): RoleSet {
  const known = rolesOf(set, roles)
  const inForce = known.constants.filter(name => isConstant(set, name, variables))
  const key = inForce.join(' ')
  const found = known.byConstants.get(key)
  if (found !== undefined) return found
  const grants = grantsOf(set, roles)
  const constants = new Map(inForce.map(name => [name, valuesOfVariable(name, variables)]))
  const made = makeRoleSet(grants, isSmall(grants, constants) ? constants : new Map())
  known.byConstants.set(key, made)
  return made
}

function rolesOf(set: PolicySet, roles: readonly string[]): Roles {
  let ofSet = compiled.get(set)
  if (ofSet === undefined) {
    ofSet = new Map()
    compiled.set(set, ofSet)
  }
  const key = JSON.stringify(roles)
  const known = ofSet.get(key)
  if (known !== undefined) return known
  if (ofSet.size >= rememberedRoleSets) ofSet.clear()
  const used = new Set(grantsOf(set, roles).flatMap(({ template }) => variablesOf(template)))
  const made: Roles = { constants: [...used].filter(name => set.constants.has(name)), byConstants: new Map() }
  ofSet.set(key, made)
  return made
}

/** Whether a variable is for this holder what `constants:` says. */
function isConstant(set: PolicySet, name: string, variables: Values): boolean {
  const [constant, value] = [set.constants.get(name), variables.get(name)]
  if (constant === undefined || value === undefined) return false
  if (constant === value) return true
  if (typeof constant === 'string') return value.length === 1 && value[0] === constant
  return constant.length === value.length && constant.every((one, index) => one === value[index])
}

/** Whether constants can be put in: another variable without a value makes any number of filters none. */
function isSmall(grants: readonly Grant[], constants: Values): boolean {
  let total = 0
  for (const { template } of grants) {
    const names = variablesOf(template).filter(name => constants.has(name))
    total += names.reduce((product, name) => product * (constants.get(name) as readonly string[]).length, 1)
  }
  return total <= maxFiltersPerSession
}

function valuesOfVariable(name: string, variables: Values): readonly string[] {
  const values = variables.get(name)
  if (values === undefined) throw new TypeError(`variable ${name} has no value`)
  return values
}

/** How many filters a session comes to. */
function filtersOf({ expansions }: RoleSet, values: readonly SlotValue[]): number {
  let total = 0
  for (const { slots, filters } of expansions) {
    total += slots.reduce((product, slot) => product * valuesOf(values[slot]).length, filters)
  }
  return total
}

function tooMany(set: PolicySet, { roles, variables }: RightsHolder): Problem {
  let total = 0
  const tooWide = grantsOf(set, roles).find(({ template }) => {
    total += countExpansions(template, variables)
    return total > maxFiltersPerSession
  })
  return problem(
    'decide/too-many-rules',
    `the list variables of this session come to more than ${maxFiltersPerSession} filters`,
    { where: tooWide?.template.where, help: 'shorten its lists, or use a wildcard' },
  )
}
