import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadPolicySet } from '../../src/policy/load.ts'
import { proveClaims } from '../../src/prove/claims/prove-claims.ts'
import { whoCan } from '../../src/prove/who-can.ts'
import { everybody, reachOf, referenceClaim } from '../reference/claims.ts'
import { referenceMatches } from '../reference/match.ts'
import { must } from '../support/policy-set.ts'
import { checkCostlyProperty } from '../support/property.ts'

/** Two literals, one that a table refuses, and as many other values as two people can have captures. */
const one = ['a', 'b', 'u', 'v', 'w']
const two = ['a', 'b', 'u', 'v', 'w', 'z', 'q']

/** Every topic of two levels over the values and one more, and of three levels that end in that one. */
function topicsOf(values: readonly string[]): readonly string[] {
  const levels = [...values, 'f']
  const pairs = levels.flatMap(first => levels.map(second => `${first}/${second}`))
  return [...levels, ...pairs, ...pairs.map(topic => `${topic}/f`)]
}
const topics = new Map([one, two].map(values => [values, topicsOf(values)]))

const level = (variables: readonly string[]) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('a', 'b') },
    { weight: 2, arbitrary: fc.constant('+') },
    { weight: variables.length > 0 ? 4 : 0, arbitrary: fc.constantFrom(...variables.map(name => `\${${name}}`), 'a') },
  )
const filter = (variables: readonly string[]) =>
  fc
    .tuple(fc.array(level(variables), { minLength: 1, maxLength: 2 }), fc.boolean(), fc.boolean())
    .map(([levels, isOpen, isAll]) =>
      isOpen && levels.length < 2 ? [...levels, '#'].join('/') : isOpen && isAll ? '#' : levels.join('/'),
    )

const rule = (variables: readonly string[], effect: 'allow' | 'deny') =>
  fc
    .record({
      action: fc.constantFrom('publish', 'subscribe', ...(effect === 'deny' ? ['receive'] : [])),
      filter: filter(variables),
      retain: fc.constantFrom('', '', ', retain: true', ', retain: false'),
      maxQos: fc.constantFrom('', '', ', maxQos: 0'),
      share: fc.constantFrom('', '', '', ', share: [g]'),
    })
    .map(given => {
      const retain = given.action === 'publish' ? given.retain : ''
      const rest = effect === 'allow' ? given.maxQos + (given.action === 'subscribe' ? given.share : '') : ''
      return `{ ${given.action}: "${given.filter}"${retain}${rest} }`
    })

const role = (variables: readonly string[]) =>
  fc
    .record({
      allow: fc.array(rule(variables, 'allow'), { minLength: 1, maxLength: 2 }),
      deny: fc.array(rule(variables, 'deny'), { maxLength: 1 }),
    })
    .map(({ allow, deny }) => `{ allow: [${allow}]${deny.length === 0 ? '' : `, deny: [${deny}]`} }`)

const people = fc.constantFrom(
  'identity: k',
  'identity: p',
  'role: r0',
  'role: r1',
  'roles: [r1, r2]',
  'identity: k, role: r2',
  'roles: [r0, r1], exactly: true',
  'roles: [r0], exactly: true',
  'identity: p, role: r1',
)

const claim = (variables: readonly string[]) =>
  fc.oneof(
    fc
      .record({ by: fc.constantFrom('x', ...variables.filter(name => name === 'y')), except: fc.option(filter([])) })
      .map(
        ({ by, except }) => `isolated: { identity: k, by: [${by}]${except === null ? '' : `, except: "${except}"`} }`,
      ),
    fc
      .record({ from: people, to: people, relay: fc.option(people) })
      .map(
        ({ from, to, relay }) =>
          `noFlow: { from: { ${from} }, to: { ${to} }${relay === null ? '' : `, relays: { ${relay} }`} }`,
      ),
    fc
      .record({
        kind: fc.constantFrom('only', 'never', 'every'),
        people,
        filter: filter([]),
        verb: fc.constantFrom('publish', 'receive'),
      })
      .map(given => `${given.kind}: { ${given.people}, can: { ${given.verb}: "${given.filter}" } }`),
    fc
      .record({
        kind: fc.constantFrom('never', 'every'),
        filter: filter(variables),
        more: fc.constantFrom('', ', qos: 1', ', retain: true'),
      })
      .map(
        given =>
          `${given.kind}: { identity: k, can: { publish: "${given.filter}"${given.kind === 'every' ? given.more : ''} } }`,
      ),
  )

const world = fc
  .record({ hasY: fc.integer({ min: 0, max: 15 }).map(n => n === 0), hasMembers: fc.boolean() })
  .chain(({ hasY, hasMembers }) => {
    const captures = hasY ? ['x', 'y'] : ['x']
    const listed = hasMembers ? [...captures, 'l'] : captures
    return fc
      .record({
        r0: role(captures),
        r1: role(listed),
        r2: role([]),
        deny: fc.option(rule([], 'deny')),
        except: fc.boolean(),
        unique: fc.boolean(),
        membersOnly: fc.boolean(),
        never: fc.boolean(),
        refused: fc.boolean(),
        claim: claim(captures),
      })
      .map(given => ({
        values: hasY ? two : one,
        claim: given.claim,
        policy: `portcullis: 1
identities:
  k:
    from: { subject.ou: "\${x}"${hasY ? ', subject.o: "${y}"' : ''}, subject.cn: k }
    ${given.except ? 'except: { subject.ou: b }' : ''}
    ${given.unique ? 'unique: [x]' : ''}
    clientId: "k/\${x}${hasY ? '/${y}' : ''}"
    roles: [r0]
    mayAlsoHave: [r1, r2]
    ${given.never ? 'neverTogether: [[r1, r2]]' : ''}
    ${hasMembers && given.membersOnly ? 'membersOnly: true' : ''}
  p:
    from: { subject.cn: p }
    clientId: p
    roles: [r2]
roles:
  r0: ${given.r0}
  r1: ${given.r1}
  r2: ${given.r2}
  ${given.deny === null ? '' : `everyone: { deny: [${given.deny}] }`}
${
  hasMembers
    ? `members:
  t: { of: k, by: [${given.unique ? 'x' : captures}], lists: [l], rows: [ { x: a${hasY && !given.unique ? ', y: u' : ''}, l: [a, u] }, { x: v${hasY && !given.unique ? ', y: v' : ''}, l: []${given.refused ? ', refused: lost' : ''} } ] }`
    : ''
}
`,
      }))
  })

test('every verdict is that of listing everybody and every topic (6)', { timeout: 120_000 }, () => {
  const seen = { proved: 0, refuted: 0, vacuous: 0 }
  checkCostlyProperty(
    'claims against listing everybody',
    fc.property(world, ({ policy, claim: text, values }) => {
      const { set, problems } = loadPolicySet([
        { name: 'p.yaml', text: policy },
        { name: 'p.test.yaml', text: `claims: [ { ${text} } ]` },
      ])
      if (set === undefined) throw new Error(`${problems.map(one => one.sentence).join('; ')}\n${policy}\n${text}`)
      const [outcome] = proveClaims(set)
      const [stated] = set.claims
      if (outcome === undefined || stated === undefined) throw new Error('no outcome')
      const verdict = outcome.verdict === 'refuted-by-one' ? 'refuted' : outcome.verdict
      const expected = referenceClaim(set, stated, values, topics.get(values) ?? [])
      expect(`${text}: ${verdict}\n${policy}${outcome.problem?.sentence ?? ''}`).toBe(
        `${text}: ${expected}\n${policy}${outcome.problem?.sentence ?? ''}`,
      )
      seen[expected] += 1
    }),
  )
  // a property that only ever sees one answer shows nothing
  expect(Math.min(seen.proved, seen.refuted, seen.vacuous)).toBeGreaterThan(10)
})

test('who can is somebody exactly where listing everybody finds one, and the example can', { timeout: 120_000 }, () => {
  const seen = { some: 0, none: 0 }
  checkCostlyProperty(
    'who against listing everybody',
    fc.property(world, filter([]), fc.constantFrom('publish', 'receive'), ({ policy, values }, asked, action) => {
      const { set } = loadPolicySet([{ name: 'p.yaml', text: policy }])
      if (set === undefined) throw new Error(policy)
      const all = topics.get(values) ?? []
      const able = everybody(set, values).some(one =>
        [...reachOf(set, one, action, all)].some(topic => referenceMatches(asked, topic)),
      )
      const found = must(whoCan(set, action, asked))
      expect(`${asked}: ${found.length > 0}\n${policy}`).toBe(`${asked}: ${able}\n${policy}`)
      for (const { identity, given, example } of found) {
        const known = [...new Set([...values, ...example.captures.values()])]
        const can = everybody(set, known)
          .filter(one => one.rule.name === identity && given.every(role => one.roles.has(role)))
          .filter(one => [...example.captures].every(([name, value]) => one.captures.get(name) === value))
          .some(one => reachOf(set, one, action, [example.topic]).has(example.topic))
        expect(`${can} ${example.topic}\n${policy}`).toBe(`true ${example.topic}\n${policy}`)
      }
      seen[found.length > 0 ? 'some' : 'none'] += 1
    }),
  )
  expect(Math.min(seen.some, seen.none)).toBeGreaterThan(10)
})
