/** Binding of client ids: byte for byte, never rewritten, and fast whatever is presented. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bindClientId, expectedClientIds } from '../../src/bind/client-id.ts'
import { connackCodeFor } from '../../src/bind/connack-code.ts'
import type { ProblemCode } from '../../src/problem.ts'
import { problemCodes } from '../../src/problem-codes.ts'
import { must, problemOf, setOf } from '../support/policy-set.ts'
import { checkProperty } from '../support/property.ts'

const set = setOf(`identities:
  device:
    from: { subject.ou: "\${site}", subject.cn: "\${device}" }
    unique: [device]
    clientId: "\${device}"
  staff:
    from: { san.uri: "urn:acme:staff:\${name}" }
    set: { team: ops }
    clientId: ["\${team}/\${name}/+", "\${team}/\${name}"]
  meter:
    from: { subject.o: meters, subject.cn: "\${id}" }
    clientId: "m/\${id:digits}/x"
`)
const identity = (kind: string, captures: Record<string, string>) => ({
  kind,
  captures: new Map(Object.entries(captures)),
})
const pump = identity('device', { site: 's1', device: 'pump-7' })
const ops = identity('staff', { name: 'ops-1' })

describe('binding (2.2)', () => {
  test('its own id, as it is', () => {
    expect(must(bindClientId(set, pump, 'pump-7'))).toBe('pump-7')
    expect(must(bindClientId(set, ops, 'ops/ops-1/laptop'))).toBe('ops/ops-1/laptop')
    expect(must(bindClientId(set, ops, 'ops/ops-1'))).toBe('ops/ops-1')
    expect(must(bindClientId(set, identity('meter', { id: '07' }), 'm/07/x'))).toBe('m/07/x')
  })

  test.each([
    'pump-8',
    'pump-70',
    'pump-',
    'PUMP-7',
    ' pump-7',
    'pump-7 ',
    'pump-7\0',
    '\0',
    'pump-7\n',
    'pump‐7',
    'рump-7',
    'pump-7/x',
    '+',
    '#',
    '$SYS',
    '${device}',
    's1',
    '\ud800',
    '\ufeffpump-7',
    'ops/ops-1',
  ])('%j is not pump-7', presented => {
    const found = problemOf(bindClientId(set, pump, presented))
    expect(found).toMatchObject({ code: 'bind/client-id-mismatch', help: 'set the client id to pump-7' })
    expect(found.sentence).not.toMatch(/[\u0000-\u001f]/)
  })

  test.each(['ops/ops-1/', 'ops/ops-1/a/b', 'ops/ops-2/a', 'dev/ops-1/a', 'ops/ops-1/+', 'ops/ops-1/-a', 'ops-1/a'])(
    '%s is not one of ops-1',
    presented => {
      const found = problemOf(bindClientId(set, ops, presented))
      expect(found.code).toBe('bind/client-id-mismatch')
      expect(found.help).toBe('set the client id to ops/ops-1/<any name> or ops/ops-1')
    },
  )

  test('an empty id has a code of its own', () => {
    expect(problemOf(bindClientId(set, pump, ''))).toEqual({
      code: 'bind/client-id-empty',
      sentence: 'the client id is empty, and the broker invents none',
      help: 'set the client id to pump-7',
    })
  })

  test('a capture that `clientId:` does not admit has no id at all', () => {
    const odd = identity('meter', { id: '7f' })
    expect(expectedClientIds(set, odd)).toEqual([])
    expect(problemOf(bindClientId(set, odd, 'm/7f/x'))).toMatchObject({
      code: 'bind/client-id-mismatch',
      help: 'no client id fits its certificate: a captured value is not of the kind that `clientId:` demands',
    })
  })

  test('an identity that the policy does not have binds nothing', () => {
    for (const presented of ['', 'pump-7']) expect(bindClientId(set, identity('ghost', {}), presented).ok).toBe(false)
  })
})

test('expected ids name the place of the free value', () => {
  expect(expectedClientIds(set, ops)).toEqual(['ops/ops-1/<any name>', 'ops/ops-1'])
  expect(expectedClientIds(set, ops, 'laptop')).toEqual(['ops/ops-1/laptop', 'ops/ops-1'])
})

test.each([
  ['one character', 'a'.repeat(65_535)],
  ['its own beginning', `ops/ops-1/${'a'.repeat(65_525)}`],
  ['its own id over and over', 'ops/ops-1/'.repeat(6553)],
  ['separators', '/'.repeat(65_535)],
  ['hyphens', 'ops/ops-1/-'.repeat(5957)],
  ['controls', '\u202e\0'.repeat(32_767)],
  ['half a surrogate pair', '\ud83d'.repeat(65_535)],
])('65,535 hostile characters finish fast: %s', (_, presented) => {
  const free = setOf(
    'identities:\n  k: { from: { subject.cn: "${a}" }, clientId: ["${a}/+/+/+/+/+/+", "x/${a}/+/:/+"] }',
  )
  const before = performance.now()
  for (let round = 0; round < 20; round += 1) {
    for (const one of [pump, ops]) {
      const found = problemOf(bindClientId(set, one, presented))
      expect(found.code).toBe('bind/client-id-mismatch')
      expect(found.sentence.length).toBeLessThan(2000)
    }
    expect(bindClientId(free, identity('k', { a: 'ops' }), presented).ok).toBe(false)
  }
  expect(performance.now() - before).toBeLessThan(500)
})

test('what is bound is exactly what is expected', () => {
  const value = fc.string({ unit: fc.constantFrom('a', 'b', '-', '.', '7'), minLength: 1, maxLength: 3 })
  const presented = fc.oneof(
    value,
    fc.tuple(value, value).map(([a, b]) => `ops/${a}/${b}`),
    fc.string(),
  )
  let bound = 0
  checkProperty(
    'bindClientId admits exactly the expected client id',
    fc.property(value, presented, (name, id) => {
      const first = !/^[-.]/.test(name)
      expect(bindClientId(set, identity('device', { site: 's1', device: name }), id).ok).toBe(first && id === name)
      const own = expectedClientIds(set, identity('staff', { name }), id.slice(`ops/${name}/`.length))
      const isOwn = bindClientId(set, identity('staff', { name }), id).ok
      if (isOwn) expect(own).toContain(id)
      if (isOwn) bound += 1
    }),
  )
  expect(bound).toBeGreaterThan(0)
})

describe('CONNACK codes (5.1)', () => {
  test.each([
    ['accept/protocol-version', 1],
    ['bind/client-id-empty', 2],
    ['bind/client-id-mismatch', 2],
    ['accept/stale-crl', 3],
    ['decide/too-many-rules', 3],
    ['bind/member-refused', 5],
    ['bind/not-a-member', 5],
    ['authenticate/no-identity', 5],
    ['authenticate/poisoned-identity', 5],
    ['authenticate/ambiguous-identity', 5],
  ] as const)('%s is %i', (code, expected) => {
    expect(connackCodeFor(code)).toBe(expected)
  })

  test('no refusal is ever answered with 0', () => {
    for (const code of Object.keys(problemCodes)) expect([1, 2, 3, 5]).toContain(connackCodeFor(code as ProblemCode))
  })
})
