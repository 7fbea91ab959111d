/** Which identity a certificate is, and the strings that try to be another one. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matchIdentity } from '../../src/policy/match-identity.ts'
import type { FieldValue } from '../../src/policy/model.ts'
import { defaultAlphabet, isSafeValue } from '../../src/policy/safe-value.ts'
import { must, problemOf, setOf, tableOf } from '../support/policy-set.ts'
import { checkProperty } from '../support/property.ts'

const plant = setOf(`identities:
  device:
    issuer: acme
    from: { subject.ou: "\${site}", subject.cn: "\${device}" }
    except: { subject.ou: staff }
    unique: [device]
    clientId: "\${device}"
  staff:
    issuer: acme
    from: { subject.ou: staff, san.uri: "urn:acme:staff:\${name}" }
    clientId: "\${name}/+"
`)
type Fields = Parameters<typeof tableOf>[0]

const pump: Fields = { 'subject.ou': 's1', 'subject.cn': 'pump-7' }
const uri = (text: string): Partial<FieldValue> => ({ text, stringType: 'ia5' })
const ops = uri('urn:acme:staff:ops-1')

const read = (fields: Fields, issuer?: string, set = plant): string => {
  const found = matchIdentity(set, tableOf(fields, issuer))
  if (!found.ok) return found.problem.code
  return [found.value.kind, ...[...found.value.captures].map(([name, value]) => `${name}=${value}`)].join(' ')
}
const refusal = (fields: Fields, set = plant) => problemOf(matchIdentity(set, tableOf(fields)))

describe('exactly one (1.4)', () => {
  test.each<[Fields, string]>([
    [pump, 'device site=s1 device=pump-7'],
    [{ ...pump, 'subject.o': ['x', 'y'] }, 'device site=s1 device=pump-7'],
    [{ ...pump, 'subject.cn': { text: 'pump-7', stringType: 'printable' } }, 'device site=s1 device=pump-7'],
    [{ 'subject.ou': 'staff', 'subject.cn': 'Olga Olsen', 'san.uri': ops }, 'staff name=ops-1'],
    [{ 'subject.ou': 'Staff', 'subject.cn': 'pump-7' }, 'device site=Staff device=pump-7'],
  ])('%j is %s', (fields, expected) => {
    expect(read(fields)).toBe(expected)
  })

  test('captures are handed on as they are, in a map of their own', () => {
    const { captures } = must(matchIdentity(plant, tableOf({ 'subject.ou': 'S_1', 'subject.cn': 'Pump.7' })))
    expect(Object.fromEntries(captures)).toEqual({ site: 'S_1', device: 'Pump.7' })
  })
})

describe('no match', () => {
  test('another issuer, although the rest would poison', () => {
    expect(read(pump, 'foreign')).toBe('authenticate/no-identity')
    expect(read({ ...pump, 'subject.cn': 'a/b' }, 'foreign')).toBe('authenticate/no-identity')
    expect(read({ ...pump, 'subject.cn': ['a', 'b'] }, 'foreign')).toBe('authenticate/no-identity')
  })

  test('a table without an issuer, as tests have, fits any', () => {
    const { values } = tableOf(pump)
    expect(matchIdentity(plant, { issuer: undefined, values }).ok).toBe(true)
  })

  test('says for each identity what differs', () => {
    const found = refusal({ 'subject.ou': 'staff', 'subject.cn': 'x' })
    expect(found.code).toBe('authenticate/no-identity')
    expect(found.help).toContain('device: `except:` names it')
    expect(found.help).toContain('staff: san.uri has no value, not `urn:acme:staff:${name}`')
    expect(problemOf(matchIdentity(plant, tableOf(pump, 'foreign'))).help).toContain(
      'its issuer is `foreign`, not `acme`',
    )
  })

  test('a long list of identities is cut', () => {
    const many = Array.from(
      { length: 8 },
      (_, i) => `  k${i}: { from: { subject.o: k${i}, subject.cn: "\${d}" }, clientId: "k${i}/\${d}" }`,
    )
    expect(refusal(pump, setOf(`identities:\n${many.join('\n')}`)).help).toMatch(/; and 3 more$/)
  })

  test('literals compare byte for byte', () => {
    const set = setOf('identities:\n  broker: { from: { subject.cn: [broker, bridge] }, clientId: b }')
    expect(read({ 'subject.cn': 'bridge' }, 'acme', set)).toBe('broker')
    for (const cn of ['Broker', 'broker ', ' broker', 'broker\0', 'brоker', 'brok', 'bróker'])
      expect(read({ 'subject.cn': cn }, 'acme', set), cn).toBe('authenticate/no-identity')
  })
})

describe('attacks on a subject (1.4)', () => {
  test.each<[string, Fields]>([
    ['two common names', { ...pump, 'subject.cn': ['pump-7', 'pump-8'] }],
    ['one common name twice', { ...pump, 'subject.cn': ['pump-7', 'pump-7'] }],
    ['two units', { ...pump, 'subject.ou': ['s1', 's2'] }],
    ['two units, one of them staff', { ...pump, 'subject.ou': ['s1', 'staff'] }],
    ['staff first', { ...pump, 'subject.ou': ['staff', 's1'], 'san.uri': ops }],
    ['no common name', { 'subject.ou': 's1' }],
    ['no unit', { 'subject.cn': 'pump-7' }],
    ['an empty common name', { ...pump, 'subject.cn': '' }],
    ['NUL at the end', { ...pump, 'subject.cn': 'pump-7\0' }],
    ['NUL inside', { ...pump, 'subject.cn': 'pump-7\0.evil' }],
    ['a unit inside the name', { ...pump, 'subject.cn': 'pump-7,OU=s2' }],
    ['a unit inside the name, as OpenSSL prints it', { ...pump, 'subject.cn': 'pump-7/OU=s2' }],
    ['a name inside the unit', { ...pump, 'subject.ou': 's1\nCN=pump-8' }],
    ['a Cyrillic look-alike', { ...pump, 'subject.cn': 'рump-7' }],
    ['a hyphen look-alike', { ...pump, 'subject.cn': 'pump‐7' }],
    ['full-width digits', { ...pump, 'subject.cn': 'pump-７' }],
    ['a combining mark', { ...pump, 'subject.cn': 'pump-7\u0301' }],
    ['an invisible character', { ...pump, 'subject.cn': 'pump\u200b-7' }],
    ['text that runs backwards', { ...pump, 'subject.cn': '\u202epump-7' }],
    ['300 characters', { ...pump, 'subject.cn': 'x'.repeat(300) }],
    ['65 characters', { ...pump, 'subject.cn': 'x'.repeat(65) }],
    ['+', { ...pump, 'subject.cn': '+' }],
    ['#', { ...pump, 'subject.cn': '#' }],
    ['/', { ...pump, 'subject.cn': 'a/b' }],
    ['a wildcard as site', { ...pump, 'subject.ou': '+' }],
    ['$SYS', { ...pump, 'subject.ou': '$SYS' }],
    ['a space before', { ...pump, 'subject.cn': ' pump-7' }],
    ['a space behind', { ...pump, 'subject.cn': 'pump-7 ' }],
    ['a line break', { ...pump, 'subject.cn': 'pump-7\n' }],
    ['a leading dot', { ...pump, 'subject.cn': '..' }],
    ['a leading hyphen', { ...pump, 'subject.cn': '-7' }],
    ['a variable', { ...pump, 'subject.cn': '${device}' }],
    ['a BMPString', { ...pump, 'subject.cn': { text: 'pump-7', stringType: 'other' } }],
    ['an IA5String as common name', { ...pump, 'subject.cn': { text: 'pump-7', stringType: 'ia5' } }],
    ['a BMPString as unit', { ...pump, 'subject.ou': { text: 's1', stringType: 'other' } }],
    [
      'a BMPString that may read as staff',
      { ...pump, 'subject.ou': { text: 'staff', stringType: 'other' }, 'san.uri': ops },
    ],
    ['a multi-valued RDN', { ...pump, 'subject.cn': { text: 'pump-7', inMultiValuedRdn: true } }],
    ['the unit in a multi-valued RDN', { ...pump, 'subject.ou': { text: 's1', inMultiValuedRdn: true } }],
  ])('%s: never an identity', (_, fields) => {
    const found = refusal(fields)
    expect(found.code).toBe('authenticate/poisoned-identity')
    expect(found.where).toMatchObject({ file: 'plant.yaml' })
    expect(found.help).toBeDefined()
  })

  test('a sentence says what was found, and no control character reaches it', () => {
    const sentence = (fields: Fields): string => refusal(fields).sentence
    expect(sentence({ ...pump, 'subject.cn': ['pump-7', 'pump-8'] })).toBe(
      'the certificate cannot be read as device for certain: subject.cn has 2 values (`pump-7`, `pump-8`), and exactly one value is needed',
    )
    expect(sentence({ ...pump, 'subject.cn': 'pump-7\0' })).toContain('subject.cn is `pump-7\\u0000`, which holds')
    expect(sentence({ ...pump, 'subject.cn': 'x'.repeat(100_000) }).length).toBeLessThan(500)
    expect(sentence({ ...pump, 'subject.cn': Array<string>(1000).fill('x'.repeat(999)) }).length).toBeLessThan(1000)
    expect(sentence({ ...pump, 'subject.cn': { text: 'pump-7', stringType: 'other' } })).toContain(
      'subject.cn is neither a UTF8String nor a PrintableString',
    )
    expect(sentence({ ...pump, 'subject.cn': { text: 'pump-7', inMultiValuedRdn: true } })).toContain(
      'stands in a relative distinguished name with several values',
    )
  })

  test('what no identity names may be odd', () => {
    const odd: Partial<FieldValue> = { text: 'a\0b', stringType: 'other', inMultiValuedRdn: true }
    expect(read({ ...pump, 'subject.o': [odd, odd], 'san.dns': [odd] })).toBe('device site=s1 device=pump-7')
  })

  test('one poisoned identity refuses, although another one matches', () => {
    const set = setOf(`identities:
  a: { from: { subject.o: "\${o}" }, clientId: "a/\${o}" }
  b: { from: { subject.cn: "\${d}" }, clientId: "b/\${d}" }`)
    expect(refusal({ 'subject.o': 'x', 'subject.cn': 'y z' }, set).code).toBe('authenticate/poisoned-identity')
    expect(refusal({ 'subject.o': 'x' }, set).code).toBe('authenticate/poisoned-identity')
  })
})

describe('several', () => {
  test('two identities that match: ambiguous, with their names', () => {
    const set = setOf(`identities:
  a: { from: { subject.cn: "\${d}" }, clientId: "a/\${d}" }
  b: { from: { subject.ou: s1, subject.cn: "\${d}" }, clientId: "b/\${d}" }`)
    const found = refusal(pump, set)
    expect(found).toMatchObject({ code: 'authenticate/ambiguous-identity', where: { file: 'plant.yaml', line: 4 } })
    expect(found.sentence).toBe('the certificate is both a and b')
    expect(read({ ...pump, 'subject.ou': 's2' }, 'acme', set)).toBe('a d=pump-7')
  })

  test('one capture in two fields: both must agree', () => {
    const set = setOf(
      'identities:\n  d: { from: { subject.cn: "${d}", san.dns: "${d}.plant.acme" }, clientId: "${d}" }',
    )
    const fields = (dns: string): Fields => ({ 'subject.cn': 'pump-7', 'san.dns': uri(dns) })
    expect(read(fields('pump-7.plant.acme'), 'acme', set)).toBe('d d=pump-7')
    expect(refusal(fields('pump-8.plant.acme'), set).sentence).toContain(
      'd is `pump-7` in one place and `pump-8` in another',
    )
    expect(read(fields('pump-8.plant.other'), 'acme', set)).toBe('authenticate/no-identity')
  })

  test('alternatives of `from:` that both fit must agree', () => {
    const set = setOf(
      'identities:\n  d: { from: [{ subject.cn: "d-${d}" }, { subject.o: "d-${d}" }], clientId: "${d}" }',
    )
    expect(read({ 'subject.cn': 'd-1' }, 'acme', set)).toBe('d d=1')
    expect(read({ 'subject.o': 'd-1', 'subject.cn': 'x' }, 'acme', set)).toBe('d d=1')
    expect(read({ 'subject.o': 'd-1', 'subject.cn': 'd-1' }, 'acme', set)).toBe('d d=1')
    expect(read({ 'subject.o': 'd-1', 'subject.cn': 'd-2' }, 'acme', set)).toBe('authenticate/poisoned-identity')
    expect(read({ 'subject.o': 'd-1', 'subject.cn': 'd-/' }, 'acme', set)).toBe('authenticate/poisoned-identity')
  })
})

describe('`except:` (1.4)', () => {
  const set = setOf(`identities:
  d: { from: { subject.cn: "\${d}" }, except: [{ subject.ou: [staff, guests], subject.o: acme }, { san.dns: x }], clientId: "\${d}" }`)
  const d = { 'subject.cn': 'pump-7' }

  test.each<[Fields, string]>([
    [d, 'd d=pump-7'],
    [{ ...d, 'subject.ou': 'staff' }, 'd d=pump-7'],
    [{ ...d, 'subject.ou': 'staff', 'subject.o': 'other' }, 'd d=pump-7'],
    [{ ...d, 'subject.ou': 'staff', 'subject.o': 'acme' }, 'authenticate/no-identity'],
    [{ ...d, 'subject.ou': 'guests', 'subject.o': 'acme' }, 'authenticate/no-identity'],
    [{ ...d, 'san.dns': uri('x') }, 'authenticate/no-identity'],
    [{ ...d, 'san.dns': [uri('y'), uri('x')] }, 'authenticate/no-identity'],
    [{ ...d, 'san.dns': [uri('y'), uri('z')] }, 'd d=pump-7'],
    // it compares before anything is poisoned
    [{ 'subject.cn': 'a b', 'san.dns': uri('x') }, 'authenticate/no-identity'],
    // what it names must be there once, and readable
    [{ ...d, 'subject.ou': ['a', 'b'], 'subject.o': 'acme' }, 'authenticate/poisoned-identity'],
    [{ ...d, 'subject.ou': ['staff', 'b'], 'subject.o': 'acme' }, 'authenticate/poisoned-identity'],
    [
      { ...d, 'subject.ou': { text: 'stаff', stringType: 'other' }, 'subject.o': 'acme' },
      'authenticate/poisoned-identity',
    ],
  ])('%j: %s', (fields, expected) => {
    expect(read(fields, 'acme', set)).toBe(expected)
  })
})

describe('entries of the subject alternative name', () => {
  const staff = (...entries: Partial<FieldValue>[]): Fields => ({ 'subject.ou': 'staff', 'san.uri': entries })

  test('exactly one may fit the literals; others are somebody else’s', () => {
    expect(read(staff(uri('https://acme.example'), ops, uri('urn:other')))).toBe('staff name=ops-1')
    expect(read(staff(ops, uri('urn:acme:staff:ops-2')))).toBe('authenticate/poisoned-identity')
    expect(read(staff(ops, ops))).toBe('authenticate/poisoned-identity')
    expect(read(staff(uri('urn:acme:staff:a/b')))).toBe('authenticate/poisoned-identity')
    expect(read(staff(ops, uri('urn:acme:staff:')))).toBe('authenticate/poisoned-identity')
    expect(read(staff(uri('URN:acme:staff:ops-1')))).toBe('authenticate/no-identity')
    expect(read(staff())).toBe('authenticate/no-identity')
  })

  test('a capture alone counts every entry', () => {
    const set = setOf('identities:\n  d: { from: { san.dns: "${d}" }, clientId: "${d}" }')
    expect(read({ 'san.dns': uri('pump-7') }, 'acme', set)).toBe('d d=pump-7')
    expect(read({ 'san.dns': [uri('pump-7'), uri('pump-8')] }, 'acme', set)).toBe('authenticate/poisoned-identity')
    expect(read({}, 'acme', set)).toBe('authenticate/poisoned-identity')
  })
})

test('a device is only ever what its two values say, and only where both are safe', () => {
  const text = fc.string({ unit: fc.constantFrom('s', '1', '-', '.', '/', '+', '#', '\0', ' ', 'ä'), maxLength: 4 })
  const value = fc.record({
    text: fc.oneof(text, fc.constantFrom('staff', 'pump-7')),
    stringType: fc.constantFrom<FieldValue['stringType']>('utf8', 'utf8', 'printable', 'ia5', 'other'),
    inMultiValuedRdn: fc.constantFrom(false, false, false, true),
  })
  const values = fc.oneof(
    { weight: 3, arbitrary: fc.tuple(value) },
    { weight: 1, arbitrary: fc.array(value, { maxLength: 3 }) },
  )
  let matched = 0
  checkProperty(
    'matchIdentity gives a device only where both fields have one safe value',
    fc.property(values, values, (ou: FieldValue[], cn: FieldValue[]) => {
      const found = matchIdentity(plant, tableOf({ 'subject.ou': ou, 'subject.cn': cn }))
      const isGood = [ou, cn].every(
        ([one, other]) =>
          one !== undefined &&
          other === undefined &&
          (one.stringType === 'utf8' || one.stringType === 'printable') &&
          !one.inMultiValuedRdn &&
          isSafeValue(one.text, defaultAlphabet),
      )
      expect(found.ok).toBe(isGood && ou[0]?.text !== 'staff')
      if (!found.ok) return
      matched += 1
      expect(Object.fromEntries(found.value.captures)).toEqual({ site: ou[0]?.text, device: cn[0]?.text })
    }),
  )
  expect(matched).toBeGreaterThan(0)
})
