/**
 * `noFlow`: nothing gets from one class to another, over whomever (docs/semantics.md 6). The graph has a node for each identity
 * and role set, and an edge where what somebody of the one publishes may be sent to somebody of the other. Pure.
 */
import type { Claim, IdentityRule } from '../../policy/model.ts'
import { type Encounter, encounter } from '../encounter.ts'
import { FilterIndex } from '../filter-index.ts'
import { type Reach, reachesWith, type World } from '../reach.ts'
import { type RoleSet, roleSetsUpTo } from '../role-sets.ts'
import { variantsOf } from '../variants.ts'
import { emptiness, isOf } from './people.ts'
import { proved, type Verdict } from './verdict.ts'

interface Node {
  readonly rule: IdentityRule
  readonly roles: RoleSet
}

type Flow = Claim & { readonly kind: 'noFlow' }

/**
 * A path needs of each node one role to be sent something, one to pass it on, perhaps one that makes it a beginning or an end, and
 * one that keeps it from being exactly a relay: with more roles it is denied more, never less.
 */
function mostAddedRoles({ from, to, relays }: Flow): number {
  const ends = [from, to].map(({ roles, exactly }) => (exactly ? (roles?.length ?? 0) : roles === undefined ? 0 : 1))
  return 2 + Math.max(...ends) + (relays.some(relay => relay.exactly) ? 1 : 0)
}

function nodesOf(world: World, claim: Flow): readonly Node[] {
  return [...world.set.identities.values()].flatMap(rule => {
    if (variantsOf(world.set, rule).length === 0) return []
    return roleSetsUpTo(rule, mostAddedRoles(claim))
      .filter(roles => !claim.relays.some(relay => isOf(relay, rule, roles)))
      .map(roles => ({ rule, roles }))
  })
}

/** @example proveNoFlow(world, claim).kind // 'proved' */
export function proveNoFlow(world: World, claim: Flow): Verdict {
  const because = emptiness(world.set, claim.from) ?? emptiness(world.set, claim.to)
  if (because !== undefined) return { kind: 'vacuous', because }
  const nodes = nodesOf(world, claim)
  const receivers = indexOf(world, nodes)
  const isOfClass = (people: Flow['from'], { rule, roles }: Node): boolean => isOf(people, rule, roles)
  const front: { node: Node; path: readonly Encounter[] }[] = nodes
    .filter(node => isOfClass(claim.from, node))
    .map(node => ({ node, path: [] }))
  const seen = new Set(front.map(({ node }) => node))
  for (let next = front.shift(); next !== undefined; next = front.shift()) {
    const isOpen = (node: Node): boolean => !seen.has(node) || isOfClass(claim.to, node)
    for (const [node, step] of edgesFrom(world, next.node, receivers, isOpen)) {
      const path = [...next.path, step]
      if (isOfClass(claim.to, node)) return { kind: 'refuted', path }
      seen.add(node)
      front.push({ node, path })
    }
  }
  return proved
}

type Receivers = FilterIndex<readonly [Node, Reach]>

function indexOf(world: World, nodes: readonly Node[]): Receivers {
  const index: Receivers = new FilterIndex(world.budget)
  for (const node of nodes)
    for (const reach of reachesWith(world, ['receive', 'other'], node.rule, node.roles))
      index.add(reach.grant.levels, [node, reach])
  return index
}

/** Nodes of interest that are sent something of this one, each once. */
function* edgesFrom(
  world: World,
  node: Node,
  receivers: Receivers,
  isOpen: (node: Node) => boolean,
): Generator<readonly [Node, Encounter]> {
  const found = new Set<Node>()
  for (const a of reachesWith(world, ['publish', 'one'], node.rule, node.roles)) {
    for (const [to, b] of receivers.candidates(a.grant.levels)) {
      if (found.has(to) || !isOpen(to)) continue
      const step = encounter(world, a, b, { holds: () => true, outside: [] })
      if (step === undefined) continue
      found.add(to)
      yield [to, step]
    }
  }
}
