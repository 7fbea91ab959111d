/** Sessions as an audit reads them: what is of another form is refused, what is unknown is left alone. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseSessions, readSessions } from '../../../src/tool/audit/read-sessions.ts'
import { codeOf } from '../../support/ca-workbench.ts'
import { must, problemOf } from '../../support/policy-set.ts'
import { checkProperty } from '../../support/property.ts'

const least = { clientId: 'pump-7', identity: 'device:device=pump-7', state: 'live' }
const full = {
  ...least,
  ...{ address: '192.0.2.7', fingerprint: 'ab'.repeat(32), serial: '4a01', issuerKeyId: 'cd'.repeat(32) },
  ...{ since: '2026-11-28T10:00:00.000Z', notAfter: '2027-11-28T10:00:00Z' },
}
const parse = (...sessions: readonly unknown[]) => parseSessions(JSON.stringify(sessions))

test('all fields, the least of them, and fields of a later version', () => {
  const times = { since: Date.UTC(2026, 10, 28, 10), notAfter: Date.UTC(2027, 10, 28, 10) }
  expect(must(parse(full, least, { ...least, queued: { deep: [1] } }))).toEqual([{ ...full, ...times }, least, least])
})

test('null is a field that is not there, where it may be absent', () => {
  expect(must(parse({ ...least, address: null, serial: null }))).toEqual([least])
  expect(problemOf(parse({ ...least, state: null })).sentence).toBe('entry 1 of the sessions has no `state`')
})

test.each([
  ['clientId', 7],
  ['identity', ''],
  ['state', 'dead'],
  ['address', ''],
  ['fingerprint', 'AB'.repeat(32)],
  ['fingerprint', 'ab'],
  ['serial', '0x4a'],
  ['serial', '4A'],
  ['issuerKeyId', 'cd:'.repeat(32)],
  ['since', 1_700_000_000],
  ['since', 'yesterday'],
  ['notAfter', '2027-99-28T10:00:00Z'],
  ['notAfter', '2027-11-28'],
])('%s cannot be %j', (name, value) => {
  const found = problemOf(parse(least, { ...full, [name]: value }))
  expect(found.code).toBe('tool/bad-sessions')
  expect(found.sentence).toBe(`entry 2 of the sessions has a \`${name}\` of another form`)
})

test.each(['', 'null', '{}', '"a"', '[1]', '[null]', '[[]]', '[{}]', '[{"clientId":"a"}', '{"sessions":[]}'])(
  '%j is no list of sessions',
  text => expect(problemOf(parseSessions(text)).code).toBe('tool/bad-sessions'),
)

test('what every object has is no field of a session', () => {
  expect(problemOf(parseSessions('[{"__proto__":{"clientId":"a","identity":"b:c=d","state":"live"}}]')).code).toBe(
    'tool/bad-sessions',
  )
})

test('whatever it is, it is read or refused', () => {
  const some = fc.anything().map(value => ({ ...full, address: value }))
  checkProperty(
    'parseSessions never throws',
    fc.property(
      fc.oneof(
        fc.json(),
        fc.string(),
        some.map(one => JSON.stringify([one])),
      ),
      text => {
        const read = parseSessions(text)
        if (!read.ok) expect(read.problem.code).toBe('tool/bad-sessions')
      },
    ),
  )
})

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-sessions-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

test('a file that is not there, one that is something else, and one of more than 64 MiB', {
  timeout: 60_000,
}, async () => {
  const file = join(folder, 'sessions.json')
  expect(await codeOf(() => readSessions(file))).toBe('config/unreadable-file')
  writeFileSync(file, 'id  client\n1   pump-7\n')
  expect(await codeOf(() => readSessions(file))).toBe('tool/bad-sessions')
  writeFileSync(file, Buffer.alloc(67_108_865, 0x20))
  expect(await codeOf(() => readSessions(file))).toBe('tool/bad-sessions')
  writeFileSync(file, JSON.stringify([full]))
  expect(await readSessions(file)).toHaveLength(1)
})
