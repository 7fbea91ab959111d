/** Slow and obviously correct: claims by listing everybody there can be and every topic (docs/semantics.md 6). */
import type { Claim, IdentityRule, PeopleClass, PolicySet, Rule } from '../../src/policy/model.ts'
import { memberKey } from '../../src/policy/model.ts'
import { referenceMatches } from './match.ts'

export interface ReferencePerson {
  readonly rule: IdentityRule
  readonly captures: ReadonlyMap<string, string>
  readonly roles: ReadonlySet<string>
  readonly variables: ReadonlyMap<string, readonly string[]>
}

function subsets<T>(items: readonly T[]): readonly (readonly T[])[] {
  return items.reduce<readonly (readonly T[])[]>((all, item) => all.flatMap(one => [one, [...one, item]]), [[]])
}

function tuples(names: readonly string[], values: readonly string[]): readonly ReadonlyMap<string, string>[] {
  return names.reduce<readonly ReadonlyMap<string, string>[]>(
    (all, name) => all.flatMap(one => values.map(value => new Map(one).set(name, value))),
    [new Map()],
  )
}

/** Everybody whose captures are of these values. `except:` is taken to be literals of `subject.ou`, which captures `x`. */
export function everybody(set: PolicySet, values: readonly string[]): readonly ReferencePerson[] {
  return [...set.identities.values()].flatMap(rule => {
    const excluded = rule.except.flatMap(one => one.flatMap(({ anyOf }) => anyOf.map(({ text }) => text)))
    const roleSets = subsets(rule.mayAlsoHave)
      .map(more => new Set([...rule.roles, ...more]))
      .filter(roles => rule.neverTogether.every(group => group.filter(role => roles.has(role)).length < 2))
    return tuples(rule.captures, values).flatMap(captures => {
      if (excluded.includes(captures.get('x') ?? '')) return []
      const variables = new Map<string, readonly string[]>([...captures].map(([name, value]) => [name, [value]]))
      let isMember = false
      for (const table of set.members.filter(one => one.of === rule.name)) {
        const row = table.rows.get(memberKey(table.by.map(name => captures.get(name) as string)))
        if (row?.refused !== undefined) return []
        if (row !== undefined) isMember = true
        for (const column of table.columns.keys()) variables.set(column, [row?.attributes.get(column) ?? []].flat())
      }
      if (rule.membersOnly && !isMember) return []
      return roleSets.map(roles => ({ rule, captures, roles, variables }))
    })
  })
}

function filtersOf(rule: Rule, { variables }: ReferencePerson): readonly string[] {
  return rule.filters.flatMap(({ text }) => {
    let texts = [text]
    for (const [name, values] of variables)
      texts = texts.flatMap(one =>
        one.includes(`\${${name}}`) ? values.map(value => one.replaceAll(`\${${name}}`, () => value)) : [one],
      )
    return texts
  })
}

const matched = new WeakMap<readonly string[], Map<string, ReadonlySet<string>>>()

/** Topics of the list that the filter matches; filters come again and again. */
function matchedBy(filter: string, topics: readonly string[]): ReadonlySet<string> {
  const known = matched.get(topics) ?? new Map<string, ReadonlySet<string>>()
  matched.set(topics, known)
  const found = known.get(filter) ?? new Set(topics.filter(topic => referenceMatches(filter, topic)))
  known.set(filter, found)
  return found
}

/** Topics of the list that a person may publish, with or without retain, or may be sent. */
export function reachOf(
  set: PolicySet,
  person: ReferencePerson,
  action: 'publish' | 'receive',
  topics: readonly string[],
  counts: (rule: Rule, retain: boolean) => boolean = () => true,
): ReadonlySet<string> {
  const rules = [...person.roles, 'everyone']
    .flatMap(role => set.roles.get(role)?.rules ?? [])
    .filter(rule => (rule.action === 'publish') === (action === 'publish'))
  const all = new Set<string>()
  for (const retain of action === 'publish' ? [true, false] : [false]) {
    const cell = rules.filter(rule => action === 'receive' || (rule.retain ?? retain) === retain)
    const hits = (some: readonly Rule[]) =>
      some.flatMap(rule => filtersOf(rule, person)).map(filter => matchedBy(filter, topics))
    const allows = hits(cell.filter(rule => rule.effect === 'allow' && counts(rule, retain)))
    const denies = hits(cell.filter(rule => rule.effect === 'deny'))
    for (const topic of allows.flatMap(one => [...one])) if (!denies.some(one => one.has(topic))) all.add(topic)
  }
  return all
}

function isOf(people: PeopleClass, { rule, roles }: ReferencePerson): boolean {
  if (people.identity !== undefined && rule.name !== people.identity) return false
  if (people.roles === undefined) return true
  if (people.exactly) return [...roles].sort().join() === [...people.roles].sort().join()
  return people.roles.some(role => roles.has(role))
}

const meet = (a: ReadonlySet<string>, b: ReadonlySet<string>, except: (topic: string) => boolean): boolean =>
  [...a].some(topic => b.has(topic) && !except(topic))

/** Whether the claim holds; `vacuous` where nobody is of its class. */
export function referenceClaim(
  set: PolicySet,
  claim: Claim,
  values: readonly string[],
  topics: readonly string[],
): 'proved' | 'refuted' | 'vacuous' {
  const all = everybody(set, values)
  const holds = (isTrue: boolean) => (isTrue ? 'proved' : 'refuted')
  const sent = new Map(all.map(one => [one, reachOf(set, one, 'receive', topics)]))
  const published = new Map(all.map(one => [one, reachOf(set, one, 'publish', topics)]))
  const reach = (one: ReferencePerson, action: 'publish' | 'receive'): ReadonlySet<string> =>
    (action === 'publish' ? published : sent).get(one) as ReadonlySet<string>
  if (claim.kind === 'noFlow') {
    const nodeOf = ({ rule, roles }: ReferencePerson): string => `${rule.name} ${[...roles].sort().join()}`
    const nodes = new Map<string, ReferencePerson[]>()
    for (const one of all)
      if (!claim.relays.some(relay => isOf(relay, one)))
        nodes.set(nodeOf(one), [...(nodes.get(nodeOf(one)) ?? []), one])
    const classOf = (people: PeopleClass) => [...nodes].filter(([, [one]]) => one !== undefined && isOf(people, one))
    if (![claim.from, claim.to].every(people => all.some(one => isOf(people, one)))) return 'vacuous'
    const goals = new Set(classOf(claim.to).map(([name]) => name))
    const edge = (from: readonly ReferencePerson[], to: readonly ReferencePerson[]): boolean =>
      from.some(a => to.some(b => areTwo(a, b) && meet(reach(a, 'publish'), reach(b, 'receive'), () => false)))
    const seen = new Set<string>()
    const front = classOf(claim.from).map(([name]) => name)
    for (let name = front.pop(); name !== undefined; name = front.pop()) {
      for (const [next, people] of nodes) {
        if (seen.has(next) || !edge(nodes.get(name) ?? [], people)) continue
        if (goals.has(next)) return 'refuted'
        seen.add(next)
        front.push(next)
      }
    }
    return 'proved'
  }
  const inClass = all.filter(one => isOf(claim.people, one))
  if (inClass.length === 0) return 'vacuous'
  if (claim.kind === 'isolated') {
    const except = (topic: string): boolean => claim.except.some(filter => matchedBy(filter, topics).has(topic))
    return holds(
      inClass.every(a =>
        inClass.every(
          b =>
            !areTwo(a, b) ||
            claim.by.every(name => a.captures.get(name) === b.captures.get(name)) ||
            !(
              meet(reach(a, 'publish'), reach(b, 'receive'), except) ||
              meet(reach(a, 'publish'), reach(b, 'publish'), except) ||
              meet(reach(a, 'receive'), reach(b, 'receive'), except)
            ),
        ),
      ),
    )
  }
  const { can } = claim
  const claimed = (one: ReferencePerson, topic: string): boolean =>
    filtersOf({ filters: can.filters } as Rule, one).some(filter => matchedBy(filter, topics).has(topic))
  if (claim.kind === 'every') {
    const counts = (rule: Rule, retain: boolean): boolean =>
      can.action === 'receive' ? rule.share === undefined : retain === can.retain && (rule.maxQos ?? 2) >= can.qos
    return holds(
      inClass.every(one => {
        const able = reachOf(set, one, can.action, topics, counts)
        return topics.every(topic => !claimed(one, topic) || able.has(topic))
      }),
    )
  }
  const meant = claim.kind === 'never' ? inClass : all.filter(one => !inClass.includes(one))
  return holds(meant.every(one => ![...reach(one, can.action)].some(topic => claimed(one, topic))))
}

/** Two certificates of one identity that agree on `unique` agree on all captures. */
function areTwo(a: ReferencePerson, b: ReferencePerson): boolean {
  const { unique } = a.rule
  if (a.rule !== b.rule || unique.length === 0) return true
  if (!unique.every(name => a.captures.get(name) === b.captures.get(name))) return true
  return [...a.captures].every(([name, value]) => b.captures.get(name) === value)
}
