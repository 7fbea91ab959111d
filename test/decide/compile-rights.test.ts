import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileRights } from '../../src/decide/compile-rights.ts'
import type { Qos, Rights } from '../../src/decide/decision.ts'
import { parseFilterTemplate } from '../../src/policy/filter-template.ts'
import type { MappedIdentity, PolicySet, Rule } from '../../src/policy/model.ts'
import { rightsHolderOf } from '../../src/policy/rights-holder.ts'
import { parseTopicFilter, parseTopicName } from '../../src/policy/topic.ts'
import { referenceNarrow, referencePublish, referenceReceive, referenceSubscribe } from '../reference/decide.ts'
import { anyFilter, anyTopic } from '../support/arbitrary.ts'
import { must, problemOf, setOf } from '../support/policy-set.ts'
import { checkProperty } from '../support/property.ts'

const identities = 'identities:\n  d: { from: { subject.cn: "${n}" }, clientId: "${n}", roles: [r] }\n'
const pump: MappedIdentity = { kind: 'd', captures: new Map([['n', 'pump-7']]) }

/** Rights of pump-7 under these rules of its only role. */
function rightsOf(rules: string): Rights {
  const set = setOf(`${identities}roles:\n  r:\n${rules}`)
  return must(compileRights(set, must(rightsHolderOf(set, pump))))
}

const plain = { qos: 0 as Qos, retain: false, payloadBytes: 0 }
const publish = (rights: Rights, topic: string, facts = {}) =>
  rights.publish(must(parseTopicName(topic)), { ...plain, ...facts })

describe('publish (3.1)', () => {
  const rights = rightsOf(
    '    deny: [{ publish: t/secret/# }]\n    allow: [{ publish: "t/#", maxQos: 1, retain: false, maxPayloadBytes: 10 }, { publish: "$SYSTEM/x" }]\n',
  )

  test('deny wins, whatever the order, and covers the parent level', () => {
    expect(publish(rights, 't/a').effect).toBe('permit')
    expect(publish(rights, 't/secret')).toMatchObject({
      effect: 'refuse',
      problem: { code: 'decide/denied', where: { line: 6 } },
    })
  })

  test.each([
    [{ qos: 2 }, 'the rule allows QoS 1 at most'],
    [{ retain: true }, 'the rule is for not retained messages only'],
    [{ payloadBytes: 11 }, 'the rule allows 10 bytes at most, the payload has 11'],
  ])('a condition that fails is named: %j', (facts, help) => {
    expect(publish(rights, 't/a', facts)).toMatchObject({ effect: 'refuse', problem: { code: 'decide/no-rule', help } })
  })

  test('the nearest rule and the level that differs are named (3.10)', () => {
    const near = rightsOf('    allow: [{ publish: "plant/${n}/temp" }]\n')
    expect(publish(near, 'plant/pump-8/temp')).toMatchObject({
      problem: { help: expect.stringContaining('level 2 is `pump-8`, the rule says `pump-7`') },
    })
  })

  test('nobody publishes to $SYS', () => {
    expect(publish(rights, '$SYS/x')).toMatchObject({ problem: { code: 'decide/reserved-topic' } })
    expect(publish(rights, '$SYSTEM/x').effect).toBe('permit')
  })

  test('a hostile topic cannot forge a line of the reason', () => {
    const decision = publish(rights, 'x\n\u001b[31m\u202e')
    expect(decision.effect === 'refuse' && decision.problem.sentence).toBe(
      'no rule allows to publish `x\\u000a\\u001b[31m\\u202e`',
    )
  })
})

describe('subscribe and receive (3.2, 3.4)', () => {
  const rights = rightsOf(
    '    allow: [{ subscribe: "a/#", maxQos: 1 }, { subscribe: a/x }, { subscribe: s, share: [g] }]\n    deny: [{ receive: a/hidden }, { subscribe: a/no }]\n',
  )
  const subscribe = (filter: string, qos: Qos) => rights.subscribe(must(parseTopicFilter(filter)), qos)

  test('grants the highest QoS that rules cover', () => {
    expect(subscribe('a/+/b', 2)).toMatchObject({ effect: 'permit', grantedQos: 1 })
    expect(subscribe('a/x', 2)).toMatchObject({ effect: 'permit', grantedQos: 2 })
  })

  test('a filter that meets a deny is refused; one that meets a receive deny is not', () => {
    expect(subscribe('a/#', 0)).toMatchObject({ effect: 'refuse', problem: { code: 'decide/denied' } })
    expect(subscribe('a/hidden', 0).effect).toBe('permit')
    expect(rights.receive(must(parseTopicName('a/hidden'))).effect).toBe('refuse')
    expect(rights.receive(must(parseTopicName('a/seen'))).effect).toBe('permit')
  })

  test('a rule with share: grants no plain subscription', () => {
    expect(subscribe('s', 0).effect).toBe('refuse')
  })
})

test('list variables that come to too many filters are refused, not cut', () => {
  const set = setOf(`${identities}roles:\n  r:\n    allow: [{ publish: "\${n}" }]\n`)
  const holder = must(rightsHolderOf(set, pump))
  const many = { ...holder, variables: new Map([['n', Array.from({ length: 10_001 }, (_, index) => `v${index}`)]]) }
  expect(problemOf(compileRights(set, many)).code).toBe('decide/too-many-rules')
})

const anyRule: fc.Arbitrary<Rule> = fc
  .record({
    action: fc.constantFrom('publish' as const, 'subscribe' as const, 'receive' as const),
    isDeny: fc.boolean(),
    filter: anyFilter,
    maxQos: fc.constantFrom(undefined, 0 as const, 1 as const),
    retain: fc.constantFrom(undefined, true, false),
    share: fc.constantFrom(undefined, undefined, ['g']),
  })
  .map(({ action, isDeny, filter, maxQos, retain, share }): Rule => {
    const where = { file: 'p.yaml', line: 1, column: 1 }
    const effect = isDeny || action === 'receive' ? 'deny' : 'allow'
    return {
      role: 'r',
      effect,
      action,
      filters: [must(parseFilterTemplate(filter, where))],
      where,
      ...(maxQos !== undefined && effect === 'allow' ? { maxQos } : {}),
      ...(retain !== undefined && action === 'publish' ? { retain } : {}),
      ...(share !== undefined && action === 'subscribe' && effect === 'allow' ? { share } : {}),
    }
  })

const base = setOf(`${identities}roles:\n  r:\n    allow: [{ publish: x }]\n`)
const holder = must(rightsHolderOf(base, pump))

test('decide agrees with the reference', () => {
  const facts = fc.record({ qos: fc.constantFrom<Qos>(0, 1, 2), retain: fc.boolean(), payloadBytes: fc.constant(0) })
  checkProperty(
    'decide agrees with the reference',
    fc.property(fc.array(anyRule, { maxLength: 5 }), anyTopic, anyFilter, facts, (rules, topic, filter, message) => {
      const set: PolicySet = { ...base, roles: new Map([['r', { name: 'r', rules, where: { file: 'p.yaml' } }]]) }
      const rights = must(compileRights(set, holder))
      const granted = rights.subscribe(filter, message.qos)
      return (
        (rights.publish(topic, message).effect === 'permit') === referencePublish(rules, topic, message) &&
        (rights.receive(topic).effect === 'permit') === referenceReceive(rules, topic) &&
        (granted.effect === 'permit' ? granted.grantedQos : undefined) ===
          referenceSubscribe(rules, filter, message.qos)
      )
    }),
  )
})

test('narrowing agrees with the reference (3.3)', () => {
  checkProperty(
    'narrow agrees with the reference',
    fc.property(fc.array(anyRule, { maxLength: 5 }), anyFilter, fc.constantFrom<Qos>(0, 1, 2), (rules, filter, qos) => {
      const settings = { ...base.settings, onBroadSubscribe: 'narrow' as const }
      const roles = new Map([['r', { name: 'r', rules, where: { file: 'p.yaml' } }]])
      const granted = must(compileRights({ ...base, settings, roles }, holder)).subscribe(filter, qos)
      return (granted.effect === 'permit' ? granted.grantedQos : undefined) === referenceNarrow(rules, filter, qos)
    }),
  )
})

describe('a filter that is too wide, narrowed (3.3)', () => {
  const narrowing = (rules: string): Rights => {
    const set = setOf(`${identities}settings: { onBroadSubscribe: narrow }\nroles:\n  r:\n${rules}`)
    return must(compileRights(set, must(rightsHolderOf(set, pump))))
  }
  const subscribe = (rights: Rights, filter: string, qos: Qos = 2) =>
    rights.subscribe(must(parseTopicFilter(filter)), qos)

  test('is accepted at the QoS of what is left of it, and says so', () => {
    const rights = narrowing('    allow: [{ subscribe: a/b, maxQos: 1 }, { subscribe: a/c, maxQos: 0 }]\n')
    expect(subscribe(rights, 'a/#')).toMatchObject({ effect: 'permit', grantedQos: 1, narrowed: true })
    expect(subscribe(rights, 'a/c')).toMatchObject({ effect: 'permit', grantedQos: 0 })
    expect(subscribe(rights, 'a/c')).not.toHaveProperty('narrowed')
    expect(rights.receive(must(parseTopicName('a/d'))).effect).toBe('refuse')
  })

  test('is refused where nothing of it is allowed, or everything of that is denied', () => {
    const rights = narrowing(
      '    allow: [{ subscribe: a/# }]\n    deny: [{ subscribe: a/b/# }, { receive: a/c }, { receive: a/b/c }]\n',
    )
    expect(subscribe(rights, 'b/#')).toMatchObject({ problem: { code: 'decide/no-rule' } })
    expect(subscribe(rights, 'a/b/+')).toMatchObject({ problem: { code: 'decide/denied' } })
    expect(subscribe(rights, 'a/c')).toMatchObject({ problem: { code: 'decide/denied' } })
    expect(subscribe(rights, 'a/+')).toMatchObject({ effect: 'permit', narrowed: true })
  })

  test('`#` is narrowed to what does not begin with `$`', () => {
    const rights = narrowing('    allow: [{ subscribe: "$fleet/#" }]\n')
    expect(subscribe(rights, '#').effect).toBe('refuse')
    expect(subscribe(rights, '$fleet/+')).toMatchObject({ effect: 'permit' })
  })
})
