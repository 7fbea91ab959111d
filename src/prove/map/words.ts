/** The map in words: for cards, titles, labels and the table, so that all of them say the same. Pure. */
import { everyone } from '../../policy/rights-holder.ts'
import { formatWhere } from '../../problem.ts'
import type { MapEntry } from './entries.ts'
import type { RoleHolders } from './holders.ts'
import type { Cut, Flow, Relations } from './relations.ts'

/** `1 rule`, `2 rules`. */
export function countOf(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** Everybody's name, or how many they are where they are many. */
function named(names: readonly string[]): string {
  return names.length > 4 ? countOf(names.length, 'identity').replace('identitys', 'identities') : names.join(', ')
}

/** Who has a role: `device`, `staff may have it`, `nobody has it`. */
export function heldBy(role: string, { always, may }: RoleHolders): string {
  if (role === everyone) return 'every identity'
  if (always.length + may.length === 0) return 'nobody has it'
  return [...(always.length > 0 ? [named(always)] : []), ...(may.length > 0 ? [`${named(may)} may have it`] : [])].join(
    '; ',
  )
}

/** Conditions of a rule: `QoS at most 1, not retained`. */
export function conditionsOf({ rule }: MapEntry): string {
  const { maxQos, retain, maxPayloadBytes, share } = rule
  return [
    ...(maxQos === undefined ? [] : [`QoS at most ${maxQos}`]),
    ...(retain === undefined ? [] : [retain ? 'retained only' : 'not retained']),
    ...(maxPayloadBytes === undefined ? [] : [`at most ${countOf(maxPayloadBytes, 'byte')}`]),
    ...(share === undefined ? [] : [`only shared, group ${share.join(', ')}`]),
  ].join(', ')
}

/** `(4)`, or `(4, for who also has auditor)`. */
export function cutNote({ deny, isCertain }: Cut): string {
  return isCertain ? `(${deny.number})` : `(${deny.number}, for who also has ${deny.rule.role})`
}

/** Why an allow lets nothing pass, where it does not. */
export function deadNote(entry: MapEntry, relations: Relations): string | undefined {
  if (!relations.isDead(entry)) return undefined
  const { always, may } = relations.holders.of(entry.rule.role)
  if (always.length + may.length === 0) return 'in force for nobody'
  const denies = relations.cutsOf(entry).filter(cut => cut.isCertain)
  return `denies leave nothing of it (${denies.map(cut => cut.deny.number).join(', ')})`
}

/** Roles of flows with the numbers of their rules: `operator (9), auditor (11, 12 in part)`. */
export function flowTexts(flows: readonly Flow[]): readonly string[] {
  const byRole = new Map<string, Map<number, boolean>>()
  for (const { entry, isPart } of flows) {
    const numbers = byRole.get(entry.rule.role) ?? new Map<number, boolean>()
    byRole.set(entry.rule.role, numbers.set(entry.number, isPart && numbers.get(entry.number) !== false))
  }
  return [...byRole].map(([role, numbers]) => {
    const listed = [...numbers]
      .sort(([a], [b]) => a - b)
      .map(([number, isPart]) => `${number}${isPart ? ' in part' : ''}`)
    return `${role} (${listed.join(', ')})`
  })
}

const verbs = {
  'allow publish': 'may publish into',
  'allow subscribe': 'may subscribe to, and is sent from,',
  'allow receive': 'is sent from',
  'deny publish': 'may never publish into',
  'deny subscribe': 'may never subscribe to, nor be sent from,',
  'deny receive': 'is never sent from',
} as const

/** A rule as a sentence, for who points at it. */
export function sentenceOf(entry: MapEntry, relations: Relations): string {
  const { rule, filter, number } = entry
  const conditions = conditionsOf(entry)
  const cuts = relations.cutsOf(entry).map(cut => `${cut.deny.filter.text} ${cutNote(cut)}`)
  return [
    `${rule.role} (${heldBy(rule.role, relations.holders.of(rule.role))}) ${verbs[`${rule.effect} ${rule.action}`]} ${filter.text}`,
    ...(conditions === '' ? [] : [conditions]),
    ...(cuts.length === 0 ? [] : [`not ${cuts.join(', ')}`]),
    `rule ${number}, ${formatWhere(filter.where)}`,
  ].join('; ')
}
