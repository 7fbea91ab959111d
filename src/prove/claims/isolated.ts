/** `isolated`: people of one identity whose groups differ have no topic in common (docs/semantics.md 6). Pure. */
import type { Claim, IdentityRule } from '../../policy/model.ts'
import { encounter, type Wanted } from '../encounter.ts'
import { FilterIndex } from '../filter-index.ts'
import { type Direction, type Reach, reachesOf, type World } from '../reach.ts'
import { emptiness } from './people.ts'
import { proved, type Verdict } from './verdict.ts'

/** What one side does, and the other: what both can be sent, both can publish, or one publishes and the other is sent. */
const pairings: readonly (readonly [Direction, Direction])[] = [
  ['publish', 'receive'],
  ['publish', 'publish'],
  ['receive', 'receive'],
]

/** @example proveIsolated(world, claim).kind // 'proved' */
export function proveIsolated(world: World, { people, by, except }: Claim & { readonly kind: 'isolated' }): Verdict {
  const because = emptiness(world.set, people)
  if (because !== undefined) return { kind: 'vacuous', because }
  const wanted: Wanted = {
    holds: (a, b) => by.some(name => a.get(name) !== b.get(name)),
    outside: except,
  }
  // two people of one variant are two people: each side has variables of its own
  const isMeant = ({ name }: IdentityRule): boolean => name === people.identity
  for (const [mine, theirs] of pairings) {
    const index = new FilterIndex<Reach>(world.budget)
    for (const reach of reachesOf(world, [theirs, 'other'], isMeant)) index.add(reach.grant.levels, reach)
    for (const a of reachesOf(world, [mine, 'one'], isMeant)) {
      for (const b of index.candidates(a.grant.levels)) {
        const found = encounter(world, a, b, withEarlyEnd(wanted, a, b, by))
        if (found !== undefined) return { kind: 'refuted', path: [found] }
      }
    }
  }
  return proved
}

/** Where what makes the topics meet makes the groups the same, no values need be tried. */
function withEarlyEnd(wanted: Wanted, a: Reach, b: Reach, by: readonly string[]): Wanted {
  return {
    ...wanted,
    mayHold: bindings =>
      by.some(name => {
        const [x, y] = [a.person.captures.get(name), b.person.captures.get(name)]
        return x === undefined || y === undefined || bindings.resolve(x) !== bindings.resolve(y)
      }),
  }
}
