/** Coverage: which rules a test exercises, on examples, and on random rules that the decision would be another without them. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileRights } from '../../src/decide/compile-rights.ts'
import { type Coverage, coverageOf } from '../../src/decide/coverage.ts'
import { decideAction } from '../../src/decide/decide-action.ts'
import type { Decision, Rights } from '../../src/decide/decision.ts'
import { determiningGrants, heldGrants, placeOf } from '../../src/decide/determining.ts'
import type { Grant } from '../../src/decide/grant.ts'
import { runPolicyTests } from '../../src/decide/run-tests.ts'
import type { PolicySet, RightsHolder, TestAction } from '../../src/policy/model.ts'
import { must, setOf } from '../support/policy-set.ts'
import { checkCostlyProperty } from '../support/property.ts'
import { anyWorld } from './any-rights.ts'

const yaml = (rules: string, settings = ''): string => `identities:
  d: { from: { subject.cn: "\${n}" }, clientId: "\${n}", roles: [r] }
constants: { word: [a, b] }
roles:
  r:
${rules}
${settings}`

const coverageWith = (policy: string, tests: string): Coverage => {
  const set = setOf(policy, { 'p.test.yaml': `tests:\n  - { name: t, as: { identity: d, n: d1 }, ${tests} }\n` })
  return coverageOf(set, runPolicyTests(set))
}

/** Filters of the rules that a test of d1 does not exercise. */
const leftBy = (rules: string, tests: string, settings = ''): readonly string[] =>
  coverageWith(yaml(rules, settings), tests).uncovered.map(({ template }) => template.text)

describe('a rule is exercised', () => {
  const publish = `    allow:
      - { publish: "t/#", maxQos: 0 }
      - { publish: ["t/\${n}", "t/+/\${word}", other] }
      - { publish: "t/+", retain: true }
    deny: [{ publish: t/no }, { publish: "+/no" }, { publish: t/keep, retain: true }]`

  test.each([
    [
      'by a permit: every allow whose filter and conditions fit',
      'can: [{ publish: t/d1 }]',
      ['t/+/${word}', 'other', 't/+', 't/no', '+/no', 't/keep'],
    ],
    [
      'not where a condition fails',
      'can: [{ publish: t/d1, qos: 1 }]',
      ['t/#', 't/+/${word}', 'other', 't/+', 't/no', '+/no', 't/keep'],
    ],
    [
      'by one value of its list',
      'can: [{ will: t/d1/b, qos: 1 }]',
      ['t/#', 't/${n}', 'other', 't/+', 't/no', '+/no', 't/keep'],
    ],
    [
      'by a refusal: every deny that fits',
      'cannot: [{ publish: t/no }]',
      ['t/#', 't/${n}', 't/+/${word}', 'other', 't/+', 't/keep'],
    ],
    [
      'by a refusal of what nothing allows',
      'cannot: [{ publish: x/no }]',
      ['t/#', 't/${n}', 't/+/${word}', 'other', 't/+', 't/no', 't/keep'],
    ],
    [
      'not by a refusal for want of a rule',
      'cannot: [{ publish: x }]',
      ['t/#', 't/${n}', 't/+/${word}', 'other', 't/+', 't/no', '+/no', 't/keep'],
    ],
    [
      'by a test that fails too',
      'cannot: [{ publish: other }]',
      ['t/#', 't/${n}', 't/+/${word}', 't/+', 't/no', '+/no', 't/keep'],
    ],
    [
      'not by a connection that is refused',
      'clientId: d2, refused: bind/client-id-mismatch',
      ['t/#', 't/${n}', 't/+/${word}', 'other', 't/+', 't/no', '+/no', 't/keep'],
    ],
  ])('%s', (_, tests, left) => {
    expect(leftBy(publish, tests)).toEqual(left)
  })

  const subscribe = `    allow:
      - { subscribe: "a/#", maxQos: 1 }
      - { subscribe: a/x }
      - { subscribe: "a/+", share: [g] }
    deny: [{ receive: a/x/secret }, { receive: "a/x/#" }, { subscribe: a/no }, { subscribe: "b/#" }]`

  test.each([
    ['a permit of a filter', 'can: [{ subscribe: a/x, qos: 1 }]', ['a/+', 'a/x/secret', 'a/x/#', 'a/no', 'b/#']],
    [
      'at the QoS that is granted',
      'can: [{ subscribe: a/x, qos: 2 }]',
      ['a/#', 'a/+', 'a/x/secret', 'a/x/#', 'a/no', 'b/#'],
    ],
    [
      'also at a lower QoS than was asked for',
      'cannot: [{ subscribe: a/y, qos: 2 }]',
      ['a/x', 'a/+', 'a/x/secret', 'a/x/#', 'a/no', 'b/#'],
    ],
    [
      'a subscribe deny that meets the filter',
      'cannot: [{ subscribe: "a/#" }]',
      ['a/#', 'a/x', 'a/+', 'a/x/secret', 'a/x/#', 'b/#'],
    ],
    ['a delivery', 'can: [{ receive: a/y }]', ['a/x', 'a/+', 'a/x/secret', 'a/x/#', 'a/no', 'b/#']],
    ['a delivery that is denied', 'cannot: [{ receive: a/x/secret }]', ['a/#', 'a/x', 'a/+', 'a/no', 'b/#']],
    [
      'a delivery that a subscribe deny takes',
      'cannot: [{ receive: a/no }]',
      ['a/#', 'a/x', 'a/+', 'a/x/secret', 'a/x/#', 'b/#'],
    ],
    [
      'no plain subscription exercises a share rule',
      'cannot: [{ subscribe: "$share/g/a/y" }]',
      ['a/#', 'a/x', 'a/+', 'a/x/secret', 'a/x/#', 'a/no', 'b/#'],
    ],
  ])('%s', (_, tests, left) => {
    expect(leftBy(subscribe, tests)).toEqual(left)
  })

  test('narrowed: allows of which something is left, and the denies where nothing is', () => {
    const narrowing = 'settings: { onBroadSubscribe: narrow }'
    expect(leftBy(subscribe, 'can: [{ subscribe: "+/+/+" }]', narrowing)).toEqual([
      'a/x',
      'a/+',
      'a/x/secret',
      'a/x/#',
      'a/no',
      'b/#',
    ])
    expect(leftBy(subscribe, 'cannot: [{ subscribe: "a/x/secret" }]', narrowing)).toEqual([
      'a/#',
      'a/x',
      'a/+',
      'a/no',
      'b/#',
    ])
  })
})

describe('the figure', () => {
  const two = '    allow: [{ publish: [a, b, c] }]'

  test('counts every filter, at its own place, and is rounded down', () => {
    const { rules, exercised, percent, uncovered } = coverageWith(yaml(two), 'can: [{ publish: a }, { publish: b }]')
    expect({ rules, exercised, percent }).toEqual({ rules: 3, exercised: 2, percent: 66 })
    expect(uncovered.map(placeOf)).toEqual([{ file: 'plant.yaml', line: 7, column: 31 }])
  })

  test('is 100 of rules that are all exercised, and of no rules', () => {
    expect(coverageWith(yaml(two), 'can: [{ publish: a }, { publish: b }, { publish: c }]').percent).toBe(100)
    expect(coverageWith(yaml('    {}'), 'cannot: [{ publish: a }]')).toEqual({
      rules: 0,
      exercised: 0,
      percent: 100,
      uncovered: [],
    })
  })
})

const without = (set: PolicySet, grants: readonly Grant[]): PolicySet => {
  const gone = new Set(grants.map(({ template }) => template))
  const roles = [...set.roles].map(([name, role]) => {
    const rules = role.rules.map(rule => ({ ...rule, filters: rule.filters.filter(filter => !gone.has(filter)) }))
    return [name, { ...role, rules }] as const
  })
  return { ...set, roles: new Map(roles) }
}

const actionsOf = ({ topic, filter, facts, qos }: { topic: string; filter: string; facts: object; qos: 0 | 1 | 2 }) => {
  const base = { qos, retain: false, payloadBytes: 0, where: { file: 't' } }
  return [
    { ...base, ...facts, verb: 'publish', topic },
    { ...base, verb: 'receive', topic },
    { ...base, verb: 'subscribe', topic: filter },
  ] as readonly TestAction[]
}

const rightsOf = (set: PolicySet, holder: RightsHolder): Rights => must(compileRights(set, holder))

/** Whether it is less of a permit, or not the same refusal. */
function isAnother(decision: Decision, other: Decision): boolean {
  if (other.effect === 'refuse') return decision.effect === 'permit' || other.problem.where !== decision.problem.where
  return decision.effect === 'refuse' || (other.grantedQos ?? 0) < (decision.grantedQos ?? 0)
}

test('without the determining rules the decision would be another, and they are those that it names or more', {
  timeout: 120_000,
}, () => {
  checkCostlyProperty(
    'determining rules determine',
    fc.property(anyWorld, ({ set, holders: [holder], questions }) => {
      if (holder === undefined) return
      const held = heldGrants(set, holder)
      const rights = rightsOf(set, holder)
      for (const action of questions.flatMap(actionsOf)) {
        const decision = decideAction(rights, action)
        const found = determiningGrants(held, action, decision)
        const rules = new Set(found.map(({ rule }) => rule))
        const isNamed = decision.rules.every(rule => rules.has(rule))
        const isExact =
          action.verb !== 'subscribe' || decision.effect === 'refuse' || rules.size === decision.rules.length
        const isSome = found.length > 0 || (decision.effect === 'refuse' && decision.rules.length === 0)
        const isNeeded: boolean =
          found.length === 0 || isAnother(decision, decideAction(rightsOf(without(set, found), holder), action))
        if (!(isNamed && isExact && isSome && isNeeded))
          expect.fail(JSON.stringify({ action, isNamed, isExact, isSome, isNeeded }))
      }
    }),
  )
})
