import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BoundRights } from '../../src/decide/bound-rights.ts'
import { compileRights } from '../../src/decide/compile-rights.ts'
import type { ByteRights, Decision } from '../../src/decide/decision.ts'
import { Program } from '../../src/decide/program.ts'
import { grantsOf, makeRoleSet } from '../../src/decide/role-set.ts'
import { slotValue } from '../../src/decide/slot-value.ts'
import { expandFilter } from '../../src/policy/filter-template.ts'
import type { PolicySet, RightsHolder, Rule } from '../../src/policy/model.ts'
import { referencePublish, referenceReceive } from '../reference/decide.ts'
import { must } from '../support/policy-set.ts'
import { checkCostlyProperty, checkProperty } from '../support/property.ts'
import { anyWorld } from './any-rights.ts'
import { LinearRights } from './linear-rights.ts'

/** All of a decision but the object that it is. */
function told(decision: Decision): unknown {
  if (decision.effect === 'refuse') return { effect: 'refuse', rules: decision.rules, problem: decision.problem }
  const { effect, rules, grantedQos, narrowed } = decision
  return { effect, rules, grantedQos, narrowed }
}

/** The nearest filter of a rule with several variables may be another one of the same rule. */
function roughly(decision: Decision): unknown {
  if (decision.effect === 'permit') return told(decision)
  const { code, where, sentence } = decision.problem
  return { rules: decision.rules, code, where, ...(code === 'decide/denied' ? {} : { sentence }) }
}

/** The rules as a session without variables would have them. */
function expanded(set: PolicySet, holder: RightsHolder): readonly Rule[] {
  return [...set.roles.values()].flatMap(({ rules }) =>
    rules.map(rule => ({
      ...rule,
      filters: rule.filters.flatMap(template =>
        expandFilter(template, holder.variables).map(text => ({ ...template, text })),
      ),
    })),
  )
}

/** The same rights without any automaton. */
function walking(set: PolicySet, holder: RightsHolder): ByteRights | undefined {
  const roleSet = makeRoleSet(grantsOf(set, holder.roles), new Map())
  const values = roleSet.variables.map(name => slotValue(holder.variables.get(name) as readonly string[]))
  const isSpecial = roleSet.repeated.some(slot => typeof values[slot] === 'object')
  if (isSpecial) return undefined
  return new BoundRights(new Program(roleSet, undefined, set.settings.onBroadSubscribe === 'narrow'), values)
}

function bytesIn(topic: string): { packet: Uint8Array; start: number; end: number } {
  const text = Buffer.from(topic)
  const packet = Buffer.concat([Buffer.from('a/b'), text, Buffer.from('/ab')])
  return { packet, start: 3, end: 3 + text.length }
}

describe('compiled decisions agree', () => {
  test('with going through every rule, and tell the same reason', () => {
    checkCostlyProperty(
      'compiled decisions tell the reason of a linear search',
      fc.property(anyWorld, ({ set, holders, questions }) => {
        for (const holder of holders) {
          const rights = must(compileRights(set, holder))
          const linear = new LinearRights(set, holder)
          for (const { topic, filter, facts, qos } of questions) {
            expect(roughly(rights.publish(topic, facts))).toEqual(roughly(linear.publish(topic, facts)))
            expect(roughly(rights.receive(topic))).toEqual(roughly(linear.receive(topic)))
            expect(roughly(rights.subscribe(filter, qos))).toEqual(roughly(linear.subscribe(filter, qos)))
          }
        }
      }),
    )
  })

  test('with the reference', () => {
    checkProperty(
      'compiled decisions agree with the reference',
      fc.property(anyWorld, ({ set, holders, questions }) => {
        for (const holder of holders) {
          const rights = must(compileRights(set, holder))
          const rules = expanded(set, holder)
          for (const { topic, facts } of questions) {
            expect(rights.publish(topic, facts).effect === 'permit').toBe(referencePublish(rules, topic, facts))
            expect(rights.receive(topic).effect === 'permit').toBe(referenceReceive(rules, topic))
          }
        }
      }),
    )
  })

  test('on the bytes of a packet', () => {
    checkProperty(
      'decisions on bytes agree with those on strings',
      fc.property(anyWorld, ({ set, holders, questions }) => {
        for (const holder of holders) {
          const rights = must(compileRights(set, holder))
          for (const { topic, facts } of questions) {
            const { packet, start, end } = bytesIn(topic)
            expect(told(rights.publishBytes(packet, start, end, facts))).toEqual(told(rights.publish(topic, facts)))
            expect(told(rights.receiveBytes(packet, start, end))).toEqual(told(rights.receive(topic)))
          }
        }
      }),
    )
  })

  test('without an automaton', () => {
    checkCostlyProperty(
      'decisions without an automaton agree with those with one',
      fc.property(anyWorld, ({ set, holders, questions }) => {
        for (const holder of holders) {
          const rights = must(compileRights(set, holder))
          const without = walking(set, holder)
          for (const { topic, facts } of without === undefined ? [] : questions) {
            const { packet, start, end } = bytesIn(topic)
            expect(roughly((without as ByteRights).publish(topic, facts))).toEqual(
              roughly(rights.publish(topic, facts)),
            )
            expect((without as ByteRights).publishBytes(packet, start, end, facts).effect).toBe(
              rights.publish(topic, facts).effect,
            )
            expect((without as ByteRights).receive(topic).effect).toBe(rights.receive(topic).effect)
            expect((without as ByteRights).receiveBytes(packet, start, end).effect).toBe(rights.receive(topic).effect)
          }
        }
      }),
    )
  })
})
