/** docs/batch.md as it stands: a table that is issued, and issued again. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openTour } from '../support/tour.ts'

const { folder, blocks, run, text, close } = openTour('docs/batch.md')
afterAll(close)

test('from a table to devices, once', { timeout: 120_000 }, async () => {
  const [issue, again, ...more] = blocks
  expect(more).toEqual([])
  await run(
    "echo 'correct horse battery' > secret.txt && portcullis ca create --name acme --passphrase-file secret.txt",
  )
  expect(await run(issue)).toBe('3 issued\n')
  expect(readdirSync(join(folder, 'devices')).sort()).toEqual(
    ['line-3', 'pump-31', 'pump-32'].flatMap(name => [`${name}.ca.pem`, `${name}.key`, `${name}.pem`]),
  )
  await run('openssl verify -x509_strict -CAfile ca/root.pem -untrusted ca/issuing.pem devices/line-3.pem')
  const before = text('devices/pump-31.pem')
  rmSync(join(folder, 'devices/line-3.pem'))
  expect(await run(again)).toBe('0 issued, 2 there already, 1 completed\n')
  expect(text('devices/pump-31.pem')).toBe(before)
  await run('openssl verify -x509_strict -CAfile ca/root.pem -untrusted ca/issuing.pem devices/line-3.pem')
})
