/** Key and certificate of a device, after a renewal that was killed between the two. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readPair } from '../../../src/tool/enroll/read-pair.ts'
import { makeDevice, makeIssuing, makeRoot } from '../../support/authorities.ts'

const issuing = makeIssuing(makeRoot())
const [before, after, stranger] = [makeDevice(issuing), makeDevice(issuing), makeDevice(issuing)]
let folder = ''
const path = (name: string): string => join(folder, name)
const pair = () => readPair(path('pump-7.pem'), path('pump-7.key'))

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-pair-'))
  writeFileSync(path('pump-7.key'), before.keyPem)
  writeFileSync(path('pump-7.pem'), before.pem)
})
afterEach(() => rmSync(folder, { recursive: true }))

test('a pair is read', async () => {
  expect(await pair()).toEqual({ key: before.keyPem, cert: before.pem })
})

test('where only the new key is in place, the new certificate is put beside it', async () => {
  writeFileSync(path('.pump-7.pem.0123456789ab.tmp'), after.pem)
  writeFileSync(path('.pump-7.pem.aaaaaaaaaaaa.tmp'), stranger.pem)
  writeFileSync(path('pump-7.key'), after.keyPem) // killed here
  expect(await pair()).toEqual({ key: after.keyPem, cert: after.pem })
  expect(readFileSync(path('pump-7.pem'), 'utf8')).toBe(after.pem)
  expect(readdirSync(folder)).not.toContain('.pump-7.pem.0123456789ab.tmp')
})

test('killed before the new key was in place, the old pair is as good as ever', async () => {
  writeFileSync(path('.pump-7.pem.0123456789ab.tmp'), after.pem)
  writeFileSync(path('.pump-7.key.0123456789ab.tmp'), after.keyPem)
  expect(await pair()).toEqual({ key: before.keyPem, cert: before.pem })
})

test('a key without its certificate, a missing file and a text are refused', async () => {
  writeFileSync(path('pump-7.key'), stranger.keyPem)
  await expect(pair()).rejects.toThrow('config/key-mismatch')
  writeFileSync(path('pump-7.key'), 'no key')
  await expect(pair()).rejects.toThrow('config/key-mismatch: the file holds no private key')
  rmSync(path('pump-7.key'))
  await expect(pair()).rejects.toThrow('config/unreadable-file')
})
