/** The topic filters that a template may come to, for the algebra: constants by their values, other variables by a stand-in. Pure. */
import type { FilterTemplate, Level } from '../../policy/filter-template.ts'
import type { PolicySet } from '../../policy/model.ts'
import type { TopicFilter } from '../../policy/topic.ts'

/** More constants than this in one filter are read like variables: less is said then, and nothing wrong. */
const mostReadings = 64

/** Variables that mean the same list of values for everybody. */
export function constantsOf(set: PolicySet): ReadonlyMap<string, readonly string[]> {
  const own = new Set([
    ...[...set.identities.values()].flatMap(identity => [...identity.captures, ...identity.set.keys()]),
    ...set.members.flatMap(table => [...table.columns.keys()]),
  ])
  const shared = [...set.constants].filter(([name]) => !own.has(name))
  return new Map(shared.map(([name, value]) => [name, typeof value === 'string' ? [value] : value]))
}

/** How a variable that is no constant is read. */
export type StandIn = (name: string) => string

/** Any level: the reading that takes in at least all that the filter can mean. */
export const anyLevel: StandIn = () => '+'
/** A level that is equal to itself only; no filter of a file can hold it. */
export const ownLevel: StandIn = name => `\u0001${name}`

const isOver = (count: number): boolean => count > mostReadings

/** @example readingsOf(template, constants, anyLevel) // ['plant/+/command/start', 'plant/+/command/stop'] */
export function readingsOf(
  { levels }: FilterTemplate,
  constants: ReadonlyMap<string, readonly string[]>,
  standIn: StandIn,
): readonly TopicFilter[] {
  const names = [...new Set(levels.flatMap(level => (level.kind === 'variable' ? [level.name] : [])))]
  const known = names.filter(name => constants.has(name))
  const count = known.reduce((product, name) => product * (constants.get(name)?.length ?? 1), 1)
  let choices: ReadonlyMap<string, string>[] = [new Map()]
  for (const name of isOver(count) ? [] : known)
    choices = choices.flatMap(chosen => (constants.get(name) ?? []).map(value => new Map(chosen).set(name, value)))
  return choices.map(chosen => levels.map(level => textOf(level, chosen, standIn)).join('/') as TopicFilter)
}

function textOf(level: Level, chosen: ReadonlyMap<string, string>, standIn: StandIn): string {
  if (level.kind === 'literal') return level.text
  if (level.kind === 'plus') return '+'
  if (level.kind === 'hash') return '#'
  return chosen.get(level.name) ?? standIn(level.name)
}
