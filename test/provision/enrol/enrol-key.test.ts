/** The key for tokens: made once, encrypted as the others are, and nothing else is taken for it. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openEnrolKey } from '../../../src/provision/enrol/enrol-key.ts'
import { createKeys, keyPem } from '../../../src/provision/keys.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-enrol-key-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('of many that need it first one is made, for its owner only', async () => {
  const keys = await Promise.all(Array.from({ length: 5 }, () => openEnrolKey({ folder }, 'correct horse')))
  expect(keys.every(({ publicKey }) => publicKey.equals(keys[0]?.publicKey as never))).toBe(true)
  expect(statSync(join(folder, 'enroll.key')).mode & 0o777).toBe(0o600)
  expect(readFileSync(join(folder, 'enroll.key'), 'utf8')).toContain('BEGIN ENCRYPTED PRIVATE KEY')
})

test('another passphrase, another kind of key, or no key is refused', async () => {
  const refused = 'provision/bad-enrol-key'
  await openEnrolKey({ folder }, 'correct horse')
  await expect(openEnrolKey({ folder }, 'wrong')).rejects.toThrow(refused)
  await expect(openEnrolKey({ folder }, undefined)).rejects.toThrow(refused)
  for (const text of [keyPem(createKeys().privateKey), 'nothing', '']) {
    writeFileSync(join(folder, 'enroll.key'), text)
    await expect(openEnrolKey({ folder }, undefined)).rejects.toThrow(refused)
  }
})
