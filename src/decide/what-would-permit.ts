/**
 * What would have to change for a refusal to be a permit. Every suggestion is decided with the change made; one that would not permit
 * is never told. Pure.
 */
import { expectedClientIds } from '../bind/client-id.ts'
import type { MappedIdentity, PolicySet, RightsHolder, Rule } from '../policy/model.ts'
import { quote } from '../policy/quote.ts'
import { rightsHolderOf } from '../policy/rights-holder.ts'
import { isSafeValue } from '../policy/safe-value.ts'
import { formatWhere } from '../problem.ts'
import { type AskedAction, ask } from './ask.ts'
import { type MemberChange, withMember, withoutRules } from './change-set.ts'
import { fitAction } from './fit-action.ts'
import { type NearMiss, nearMisses } from './near-misses.ts'

/** One way to a permit; all parts of it together. */
export interface Change {
  readonly text: string
  /** What would have to be asked instead. */
  readonly action?: AskedAction
  /** What would have to stand in the row of the member. */
  readonly member?: MemberChange
  /** Deny rules that would have to go. */
  readonly without?: readonly Rule[]
}

/** Near misses that are tried, and changes that are told. */
const mostTried = 50
const mostTold = 5
/** Deny rules that may stand in the way of one thing. */
const mostDenies = 20

/**
 * Ways to a permit, the smallest first; none where no single step is one.
 * @example whatWouldPermit(set, identity, action).map(({ text }) => text) // ['QoS 1 at most']
 */
export function whatWouldPermit(set: PolicySet, identity: MappedIdentity, action: AskedAction): readonly Change[] {
  const holder = rightsHolderOf(set, identity)
  const wishes = holder.ok ? [...wishesOf(set, holder.value, action)] : [...wishesToEnter(set, identity)]
  const found = new Map<string, Change>()
  for (const wish of wishes) {
    if (found.size === mostTold) break
    if (!found.has(wish.text) && answerWith(set, identity, action, wish) === 'permit') found.set(wish.text, wish)
  }
  return [...found.values()]
}

/** What would be answered with the change made. */
function answerWith(set: PolicySet, identity: MappedIdentity, asked: AskedAction, change: Change): 'permit' | 'refuse' {
  const { member, without = [], action = asked } = change
  const joined = member === undefined ? set : withMember(set, identity, member)
  if (joined === undefined) return 'refuse'
  return ask(without.length === 0 ? joined : withoutRules(joined, new Set(without)), identity, action).effect
}

function* wishesOf(set: PolicySet, holder: RightsHolder, action: AskedAction): Generator<Change> {
  if (action.verb === 'connect') {
    yield* otherClientIds(set, holder.identity, action)
    return
  }
  yield* withoutDenies(set, holder.identity, action)
  const misses = nearMisses(set, holder, action).slice(0, mostTried)
  for (const miss of misses) if (miss.isHeld && miss.isWhole) yield* askingOtherwise(miss, action)
  for (const miss of misses) if (miss.isHeld && !miss.isWhole && miss.fitting > 0) yield* askingOtherwise(miss, action)
  for (const miss of misses) yield* joining(set, holder, miss, action)
}

/** Shown with `+` where any value will do, tried with one. */
function* otherClientIds(set: PolicySet, identity: MappedIdentity, action: AskedAction): Generator<Change> {
  const tried = expectedClientIds(set, identity, 'x')
  for (const [index, shown] of expectedClientIds(set, identity, '+').entries()) {
    yield { text: `the client id ${quote(shown)}`, action: { ...action, topic: tried[index] ?? shown } }
  }
}

/** The same person, with another topic or another message. */
function* askingOtherwise(miss: NearMiss, action: AskedAction): Generator<Change> {
  const fitted = fitAction(miss, action, { keepsTopic: miss.isWhole })
  if (fitted !== undefined) yield { text: fitted.text, action: fitted.action }
}

/** The same topic, with another role or another value in a column of members. */
function* joining(set: PolicySet, { identity }: RightsHolder, miss: NearMiss, action: AskedAction): Generator<Change> {
  const tables = set.members.filter(table => table.of === identity.kind)
  const role = miss.isHeld ? undefined : miss.rule.role
  const fitted = fitAction(miss, action, { keepsTopic: true })
  const also = fitted === undefined ? {} : { action: fitted.action }
  for (const table of tables.length === 0 ? [undefined] : tables) {
    const columns = miss.isWhole || table === undefined ? [undefined] : columnsThatFit(set, miss, action, table.columns)
    for (const column of columns) {
      if (role === undefined && column === undefined) continue
      const member: MemberChange = {
        table: table?.name,
        ...(role === undefined ? {} : { role }),
        ...(column === undefined ? {} : { column }),
      }
      yield { text: [memberText(identity, member), fitted?.text].filter(Boolean).join(', and '), member, ...also }
    }
  }
}

/** The first level that does not fit, where a column of the table says what stands there. */
function columnsThatFit(
  set: PolicySet,
  { template, fitting }: NearMiss,
  { topic }: AskedAction,
  columns: ReadonlyMap<string, unknown>,
): readonly { name: string; value: string }[] {
  const level = template.levels[fitting]
  const value = topic.split('/')[fitting]
  if (level?.kind !== 'variable' || value === undefined || !columns.has(level.name)) return []
  return isSafeValue(value, set.settings.alphabet) ? [{ name: level.name, value }] : []
}

function memberText({ kind }: MappedIdentity, { table, role, column }: MemberChange): string {
  const place = table === undefined ? `a table of \`members\` for ${kind}` : `its row of \`members\` (${table})`
  const parts = [
    role === undefined ? undefined : `the role \`${role}\``,
    column === undefined ? undefined : `${quote(column.value)} in the column \`${column.name}\``,
  ]
  return `${parts.filter(Boolean).join(' and ')}, in ${place}`
}

/** All denies that stand in the way, one behind the other. */
function* withoutDenies(set: PolicySet, identity: MappedIdentity, action: AskedAction): Generator<Change> {
  const gone = new Set<Rule>()
  for (let tries = 0; tries < mostDenies; tries += 1) {
    const decision = ask(withoutRules(set, gone), identity, action)
    if (decision.effect === 'permit') break
    if (decision.rules.length === 0) return
    for (const rule of decision.rules) gone.add(rule)
  }
  const places = [...gone].map(rule => `${formatWhere(rule.where)} (role ${rule.role})`)
  const noun = gone.size === 1 ? 'the deny rule' : 'the deny rules'
  if (gone.size > 0) yield { text: `without ${noun} ${places.join(' and ')}`, without: [...gone] }
}

/** Shut out by members, or not in them. */
function* wishesToEnter(set: PolicySet, identity: MappedIdentity): Generator<Change> {
  const roles = [undefined, ...(set.identities.get(identity.kind)?.mayAlsoHave ?? [])]
  const tables = set.members.filter(table => table.of === identity.kind).map(table => table.name)
  for (const role of roles) {
    for (const table of tables.length === 0 ? [undefined] : tables) {
      const place = table === undefined ? `a table of \`members\` for ${identity.kind}` : `\`members\` (${table})`
      const having = role === undefined ? '' : ` with the role \`${role}\``
      const of = { table, ...(role === undefined ? {} : { role }) }
      yield { text: `a row for it in ${place}${having}`, member: of }
      yield { text: `its row in ${place} without \`refused\`${having}`, member: { ...of, isLetIn: true } }
    }
  }
}
