/**
 * What the rules of a set do to one another: which denies cut which allows, and whose messages may reach whom. An upper bound:
 * what is left out cannot happen, what is shown may ask for certificates that nobody has (`policy prove` decides exactly). Pure.
 */
import { intersection, isCovered, overlaps } from '../../policy/filter-algebra.ts'
import type { PolicySet } from '../../policy/model.ts'
import type { TopicFilter } from '../../policy/topic.ts'
import { entriesOf, type MapEntry } from './entries.ts'
import { Holders } from './holders.ts'
import { anyLevel, constantsOf, ownLevel, readingsOf } from './readings.ts'

/** A deny that takes something from an allow, wherever one session has both roles. */
export interface Cut {
  readonly deny: MapEntry
  /** False: only for those who have the other role besides. */
  readonly isCertain: boolean
}

/** An allow of the other direction that a message may pass to, or come from. */
export interface Flow {
  readonly entry: MapEntry
  /** Whether a deny takes some of the topics away. */
  readonly isPart: boolean
}

export interface Relations {
  readonly entries: readonly MapEntry[]
  readonly holders: Holders
  cutsOf(entry: MapEntry): readonly Cut[]
  /** Whether denies leave nothing of it to anybody. */
  isDead(entry: MapEntry): boolean
  /** For a publish allow the subscribe allows that its messages may reach; for a subscribe allow, where they may come from. */
  flowsOf(entry: MapEntry): readonly Flow[]
}

interface Reading {
  readonly entry: MapEntry
  readonly wide: readonly TopicFilter[]
  readonly own: readonly TopicFilter[]
  readonly cuts: Cut[]
  readonly flows: Flow[]
  isDead: boolean
}

const isAllow = ({ entry }: Reading): boolean => entry.rule.effect === 'allow'
const isPublish = ({ entry }: Reading): boolean => entry.rule.action === 'publish'

/** @example relationsOf(set).cutsOf(entry).map(cut => cut.deny.number) */
export function relationsOf(set: PolicySet): Relations {
  const constants = constantsOf(set)
  const holders = new Holders(set)
  const readings = entriesOf(set).map((entry): Reading => {
    const [wide, own] = [anyLevel, ownLevel].map(standIn => readingsOf(entry.filter, constants, standIn))
    return { entry, wide: wide ?? [], own: own ?? [], cuts: [], flows: [], isDead: false }
  })
  const allows = readings.filter(isAllow)
  const denies = readings.filter(reading => !isAllow(reading))
  const byEntry = new Map(readings.map(reading => [reading.entry, reading] as const))
  for (const allow of allows) addCuts(allow, denies, holders)
  const certainOf = (allow: Reading): readonly TopicFilter[] =>
    allow.cuts.flatMap(({ deny, isCertain }) =>
      isCertain && isUnconditional(deny, allow.entry) ? (byEntry.get(deny)?.own ?? []) : [],
    )
  for (const allow of allows) allow.isDead = isDead(allow, certainOf(allow), holders)
  addFlows(allows, certainOf)
  const find = (entry: MapEntry): Reading | undefined => byEntry.get(entry)
  return {
    entries: readings.map(({ entry }) => entry),
    holders,
    cutsOf: entry => find(entry)?.cuts ?? [],
    isDead: entry => find(entry)?.isDead ?? false,
    flowsOf: entry => find(entry)?.flows ?? [],
  }
}

const someOverlap = (a: readonly TopicFilter[], b: readonly TopicFilter[]): boolean =>
  a.some(x => b.some(y => overlaps(x, y)))

function addCuts(allow: Reading, denies: readonly Reading[], holders: Holders): void {
  const { rule } = allow.entry
  for (const deny of denies) {
    const other = deny.entry.rule
    if (isPublish(deny) !== isPublish(allow)) continue
    if (rule.retain !== undefined && other.retain !== undefined && rule.retain !== other.retain) continue
    if (!someOverlap(allow.wide, deny.wide) || !holders.mayMeet(rule.role, other.role)) continue
    allow.cuts.push({ deny: deny.entry, isCertain: holders.isAlwaysWith(rule.role, other.role) })
  }
}

/** Whether the deny holds for every message that the allow is about. */
function isUnconditional({ rule }: MapEntry, allow: MapEntry): boolean {
  return rule.retain === undefined || rule.retain === allow.rule.retain
}

function isDead(allow: Reading, denies: readonly TopicFilter[], holders: Holders): boolean {
  const { always, may } = holders.of(allow.entry.rule.role)
  if (always.length + may.length === 0) return true
  return allow.own.every(filter => isCovered(filter, denies))
}

function addFlows(allows: readonly Reading[], certainOf: (allow: Reading) => readonly TopicFilter[]): void {
  const living = allows.filter(allow => !allow.isDead)
  const subscribes = living.filter(allow => !isPublish(allow)).map(allow => ({ allow, denies: certainOf(allow) }))
  for (const publish of living.filter(isPublish)) {
    const denies = certainOf(publish)
    for (const { allow: subscribe, denies: others } of subscribes) {
      const joint = publish.wide.flatMap(x => subscribe.wide.flatMap(y => intersection(x, y) ?? []))
      const cut = [...denies, ...others]
      const left = joint.filter(filter => !isCovered(filter, cut))
      if (left.length === 0) continue
      const isPart = left.length < joint.length || cut.some(deny => joint.some(filter => overlaps(filter, deny)))
      publish.flows.push({ entry: subscribe.entry, isPart })
      subscribe.flows.push({ entry: publish.entry, isPart })
    }
  }
}
