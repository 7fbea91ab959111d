import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadPolicySet } from '../../src/policy/load.ts'
import { memberKey, type PolicySet } from '../../src/policy/model.ts'
import { diffPolicies } from '../../src/prove/diff/diff-policies.ts'
import { everybody, type ReferencePerson, reachOf } from '../reference/claims.ts'
import { must, problemOf } from '../support/policy-set.ts'
import { checkCostlyProperty } from '../support/property.ts'

const values = ['a', 'b', 'u', 'v']
const levels = [...values, 'f']
const pairs = levels.flatMap(first => levels.map(second => `${first}/${second}`))
const topics = [...levels, ...pairs, ...pairs.map(topic => `${topic}/f`)]

const filter = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', '+', '${x}', '${x}', '${l}'), { minLength: 1, maxLength: 2 }), fc.boolean())
  .map(([parts, isOpen]) => (isOpen ? [...parts.slice(0, 1), '#'] : parts).join('/'))

const rule = (effect: 'allow' | 'deny') =>
  fc
    .tuple(
      fc.constantFrom('publish', 'subscribe', ...(effect === 'deny' ? ['receive'] : [])),
      filter,
      fc.constantFrom('', '', ', retain: true', ', retain: false'),
    )
    .map(([action, text, retain]) => `{ ${action}: "${text}"${action === 'publish' ? retain : ''} }`)

const role = fc
  .tuple(fc.array(rule('allow'), { minLength: 1, maxLength: 2 }), fc.array(rule('deny'), { maxLength: 1 }))
  .map(([allow, deny]) => `{ allow: [${allow}]${deny.length === 0 ? '' : `, deny: [${deny}]`} }`)
const row = fc
  .tuple(fc.subarray(['r1', 'r2']), fc.subarray(['a', 'u']))
  .map(([roles, l]) => `roles: [${roles}], l: [${l}]`)

/** Two sets that may differ in one part or in all. */
const change = fc
  .tuple(role, role, role, row, row, role, row, fc.constantFrom(0, 1, 2, 3, 4, 5, 6))
  .map(([r0, r1, r2, rowA, rowV, other, otherRow, which]) => {
    const set = (parts: readonly string[]) => `portcullis: 1
identities:
  k: { from: { subject.ou: "\${x}" }, clientId: "k/\${x}", roles: [r0], mayAlsoHave: [r1, r2], membersOnly: true }
roles: { r0: ${parts[0]}, r1: ${parts[1]}, r2: ${parts[2]} }
members:
  t: { of: k, by: [x], lists: [l], rows: [ { x: a, ${parts[3]} }, { x: v, ${parts[4]} }, { x: u, roles: [], l: [b] } ] }
`
    const before = [r0, r1, r2, rowA, rowV]
    const after = before.map((part, index) => (index === which ? (index < 3 ? other : otherRow) : part))
    return [set(before), set(after)] as const
  })

function load(text: string): PolicySet {
  const { set, problems } = loadPolicySet([{ name: 'p.yaml', text }])
  if (set === undefined) throw new Error(`${problems.map(one => one.sentence)}\n${text}`)
  return set
}

/** Everybody with the roles that tables really give. */
function really(set: PolicySet): readonly ReferencePerson[] {
  const rows = set.members[0]?.rows
  return everybody(set, values).filter(({ rule: { roles }, captures, roles: held }) => {
    const given = rows?.get(memberKey([captures.get('x') ?? '']))?.roles ?? []
    return [...held].sort().join() === [...new Set([...roles, ...given])].sort().join()
  })
}

/** What may be subscribed to, whatever of it is cut from delivery. */
function withoutReceive(set: PolicySet): PolicySet {
  const roles = [...set.roles].map(
    ([name, one]) => [name, { ...one, rules: one.rules.filter(({ action }) => action !== 'receive') }] as const,
  )
  return { ...set, roles: new Map(roles) }
}

function hasGain(before: PolicySet, after: PolicySet): boolean {
  const old = new Map(really(before).map(one => [one.captures.get('x'), one]))
  const gains = (change: (set: PolicySet) => PolicySet, action: 'publish' | 'receive', only?: boolean): boolean =>
    really(after).some(person => {
      const then = old.get(person.captures.get('x'))
      const counts = (_: unknown, retain: boolean): boolean => only === undefined || retain === only
      const now = reachOf(change(after), person, action, topics, counts)
      const was = then === undefined ? new Set<string>() : reachOf(change(before), then, action, topics, counts)
      return [...now].some(topic => !was.has(topic))
    })
  const same = (set: PolicySet): PolicySet => set
  return (
    gains(same, 'publish', true) ||
    gains(same, 'publish', false) ||
    gains(same, 'receive') ||
    gains(withoutReceive, 'receive')
  )
}

test('somebody gains exactly where listing everybody and every topic finds it', { timeout: 120_000 }, () => {
  const seen = { some: 0, none: 0 }
  checkCostlyProperty(
    'diff against listing everybody',
    fc.property(change, ([before, after]) => {
      const [old, next] = [load(before), load(after)]
      const diff = must(diffPolicies(old, next))
      const real = diff.gains.filter(one => one.given === undefined)
      expect(`${real.length > 0}\n${before}${after}`).toBe(`${hasGain(old, next)}\n${before}${after}`)
      seen[diff.gains.length > 0 ? 'some' : 'none'] += 1
      if (before === after) expect([diff.gains, diff.losses, diff.definitions]).toEqual([[], [], []])
    }),
  )
  expect(Math.min(seen.some, seen.none)).toBeGreaterThan(10)
})

test('a comparison that is given up is a problem, never "no change"', () => {
  const set = load(`portcullis: 1
identities: { k: { from: { subject.cn: "\${x}" }, clientId: "\${x}", roles: [r] } }
roles: { r: { allow: [ { publish: a }, { publish: b } ] } }
`)
  expect(problemOf(diffPolicies(set, set, 1)).code).toBe('policy/too-complex')
})
