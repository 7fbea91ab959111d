/** Renewing means a new key. */

import { X509Certificate } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { OpenCa } from '../../src/provision/ca-folder.ts'
import { createKeys } from '../../src/provision/keys.ts'
import { sameKeyProblem } from '../../src/provision/same-key.ts'
import { CaWorkbench, dayMs } from '../support/ca-workbench.ts'

let bench: CaWorkbench
let ca: OpenCa
beforeEach(async () => {
  bench = new CaWorkbench()
  ca = await bench.create()
})
afterEach(() => bench.close())

const verdict = (key = createKeys().publicKey): string | undefined =>
  sameKeyProblem(ca.ledger.ofName('pump-7'), 'pump-7', key)?.code

test('a key that the device has or had is told, whatever became of its certificate', async () => {
  const { der } = await bench.issue(ca, 'pump-7')
  const old = new X509Certificate(der).publicKey
  expect([verdict(), verdict(old)]).toEqual([undefined, 'provision/same-key'])
  await bench.issue(ca, 'pump-7', { supersede: true })
  expect(verdict(old)).toBe('provision/same-key')
  bench.nowMs += 101 * dayMs
  expect(verdict(old)).toBe('provision/same-key')
  ca.ledger.revoke(ca.ledger.ofName('pump-7'), 'unspecified')
  expect(verdict(old)).toBe('provision/same-key')
})

test('a certificate that nobody got does not count', async () => {
  const { der } = await bench.issue(ca, 'pump-7')
  ca.ledger.revoke(ca.ledger.ofName('pump-7'), 'cessationOfOperation')
  expect(verdict(new X509Certificate(der).publicKey)).toBeUndefined()
})
