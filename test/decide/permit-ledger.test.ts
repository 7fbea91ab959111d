/** Which permits of a session are news. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PermitLedger } from '../../src/decide/permit-ledger.ts'
import { checkProperty } from '../support/property.ts'

const [a, b, c] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }]

test('none: nothing is news; all: everything is', () => {
  const none = new PermitLedger('none')
  const all = new PermitLedger('all')
  for (const rules of [[a], [a], [], [a, b]]) {
    expect([none.isNews(rules, 'r1'), all.isNews(rules, 'r1')]).toEqual([false, true])
  }
})

test('distinct: the first use of each rule, anew under each revision', () => {
  const ledger = new PermitLedger('distinct')
  expect(ledger.isNews([a], 'r1')).toBe(true)
  expect(ledger.isNews([a], 'r1')).toBe(false)
  expect(ledger.isNews([a, b], 'r1')).toBe(true)
  expect(ledger.isNews([b, a], 'r1')).toBe(false)
  expect(ledger.isNews([c], 'r1')).toBe(true)
  expect(ledger.isNews([a], 'r2')).toBe(true)
  expect(ledger.isNews([a], 'r1')).toBe(true)
})

test('a permit that needs no rule is no news', () => {
  expect(new PermitLedger('distinct').isNews([], 'r1')).toBe(false)
})

test('its memory is bounded; past the bound a permit may be told again, and none is left out', () => {
  const ledger = new PermitLedger('distinct')
  const rules = Array.from({ length: 4096 }, () => ({}))
  for (const rule of rules) expect(ledger.isNews([rule], 'r1')).toBe(true)
  for (const rule of rules) expect(ledger.isNews([rule], 'r1')).toBe(false)
  expect(ledger.isNews([{}], 'r1')).toBe(true)
  expect(ledger.isNews([rules[0] as object], 'r1')).toBe(true)
})

test('distinct is what looking through all earlier permits says', () => {
  const rules = [a, b, c]
  checkProperty(
    'permit ledger equals its reference',
    fc.property(
      fc.array(fc.record({ rules: fc.subarray(rules), revision: fc.constantFrom('r1', 'r1', 'r1', 'r2') })),
      permits => {
        const ledger = new PermitLedger('distinct')
        permits.forEach((permit, index) => {
          const lastOther = permits.slice(0, index).findLastIndex(earlier => earlier.revision !== permit.revision)
          const earlier = permits.slice(lastOther + 1, index).flatMap(one => one.rules)
          expect(ledger.isNews(permit.rules, permit.revision)).toBe(permit.rules.some(rule => !earlier.includes(rule)))
        })
      },
    ),
  )
})
