/** That whoever watches the certificate of a CA, as a gate does, notices each time that it is replaced. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { replaceCertificate } from '../../src/provision/replace-certificate.ts'
import { watchFiles } from '../../src/source/watch-files.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-replace-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('a watcher notices every replacement, and every old one is kept', { timeout: 60_000 }, async () => {
  const file = join(folder, 'issuing.pem')
  writeFileSync(file, 'certificate 0')
  let told = (): void => undefined
  const watcher = await watchFiles([file], () => told())
  const rounds = 5
  for (let round = 1; round <= rounds; round++) {
    const noticed = new Promise<void>(resolve => {
      told = resolve
    })
    await replaceCertificate(file, `certificate ${round}`, new Date(Date.UTC(2026, 10, 28)))
    await noticed
  }
  await watcher.close()
  const kept = readdirSync(folder).map(name => readFileSync(join(folder, name), 'utf8'))
  expect(kept.sort()).toEqual(Array.from({ length: rounds + 1 }, (_, round) => `certificate ${round}`).sort())
})
