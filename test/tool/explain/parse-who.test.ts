/** WHO of `policy explain`: which of its three forms a text is, and what it says. */
import { describe, expect, test } from 'vitest'
import { parseWho } from '../../../src/tool/explain/parse-who.ts'

function fields(text: string): Record<string, string[]> {
  const parsed = parseWho(text)
  if (!parsed.ok || parsed.value.kind !== 'fields') throw new Error(`${text}: ${JSON.stringify(parsed)}`)
  return Object.fromEntries(
    [...parsed.value.table.values].map(([field, values]) => [field, values.map(value => value.text)]),
  )
}

describe('which form it is', () => {
  test.each([
    ['device:site=s1,device=pump-7', 'identity'],
    ['device:', 'identity'],
    ['subject:OU=s1,CN=pump-7', 'fields'],
    ['OU=s1,CN=pump-7', 'fields'],
    ['certs-dev/pump-7.pem', 'file'],
    ['./OU=s1', 'file'],
    ['pump-7.pem', 'file'],
    ['C:\\certs\\pump.pem', 'file'],
  ])('%s', (text, kind) => {
    const parsed = parseWho(text)
    expect(parsed.ok && parsed.value.kind).toBe(kind)
  })

  test('captures are read in order, values as they stand', () => {
    const parsed = parseWho('device:site=s1,device=pump-7')
    expect(parsed.ok && parsed.value.kind === 'identity' && [...parsed.value.captures]).toEqual([
      ['site', 's1'],
      ['device', 'pump-7'],
    ])
  })
})

describe('subjects', () => {
  test.each<[string, Record<string, string[]>]>([
    ['OU=s1,CN=pump-7', { 'subject.ou': ['s1'], 'subject.cn': ['pump-7'] }],
    ['OU = s1, CN = pump-7', { 'subject.ou': ['s1'], 'subject.cn': ['pump-7'] }],
    ['subject:cn=a\\,b\\+c', { 'subject.cn': ['a,b+c'] }],
    ['CN=Lu\\C4\\8Di\\C4\\87', { 'subject.cn': ['Lučić'] }],
    ['CN=Lu\\u{10d}i\\u{107}', { 'subject.cn': ['Lučić'] }],
    ['CN=a ,OU=s1', { 'subject.cn': ['a '], 'subject.ou': ['s1'] }],
    ['CN=a,CN=b', { 'subject.cn': ['a', 'b'] }],
    ['DC=org,CN=a,2.5.4.97=x', { 'subject.cn': ['a'] }],
    ['OU=staff,san.uri=urn:acme:staff:ops-1', { 'subject.ou': ['staff'], 'san.uri': ['urn:acme:staff:ops-1'] }],
    ['CN=', { 'subject.cn': [''] }],
  ])('%s', (text, expected) => {
    expect(fields(text)).toEqual(expected)
  })

  test('attributes of a multi-valued RDN are marked, all of them', () => {
    const parsed = parseWho('OU=s1+CN=pump-7,O=acme')
    if (!parsed.ok || parsed.value.kind !== 'fields') throw new Error('not fields')
    expect([...parsed.value.table.values.values()].flat().map(value => value.inMultiValuedRdn)).toEqual([
      true,
      true,
      false,
    ])
  })

  test.each([
    ['', 'WHO is empty'],
    ['subject:', 'the subject is empty'],
    ['subject:CN', '`CN` is no attribute of a subject'],
    ['subject:CM=x', '`CM` is no attribute of a subject'],
    ['CN=a,', 'the subject ends after a separator'],
    ['CN=#0403', 'a value in hexadecimal (#…) cannot be compared'],
    ['CN=a\\q', 'a backslash must be followed by a special character or two hexadecimal digits'],
    ['CN=\\ff', 'an escaped value is not UTF-8'],
    ['device:site=s1,site=s2', '`site=s2` is not one NAME=VALUE of an identity'],
    ['device:site=s1,pump-7', '`pump-7` is not one NAME=VALUE of an identity'],
  ])('%s: %s', (text, sentence) => {
    const parsed = parseWho(text)
    expect(parsed.ok ? undefined : [parsed.problem.code, parsed.problem.sentence]).toEqual(['tool/bad-who', sentence])
  })
})
