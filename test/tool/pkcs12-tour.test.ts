/** docs/pkcs12.md as it stands, in one folder with an authority, and what it says of the files. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const page = readFileSync(new URL('../../docs/pkcs12.md', import.meta.url), 'utf8')
const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(match => match[1] ?? '')
const main = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))
let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-p12-tour-'))
  cpSync(new URL('../../policies', import.meta.url), join(folder, 'policies'), { recursive: true })
  writeFileSync(join(folder, 'portcullis'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, { mode: 0o755 })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** stdout and stderr of a script that must succeed. */
function run(script: string): string {
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` }
  return execFileSync('sh', ['-e', '-c', `exec 2>&1\n${script}`], { cwd: folder, env, encoding: 'utf8' })
}

const modeOf = (name: string): number => statSync(join(folder, name)).mode & 0o777

test('every block does what the page says', { timeout: 300_000 }, () => {
  const [modern, legacy, bundle, exported, ...more] = blocks
  expect(more).toEqual([])
  run('portcullis ca create --no-passphrase')

  const told = run(modern ?? '')
  expect(told).toContain('MAC: sha256, Iteration 2048')
  expect(told).not.toContain(readFileSync(join(folder, 'pump-21.p12.password'), 'utf8').trim())
  expect(run(legacy ?? '')).toContain('pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048')
  expect(run(bundle ?? '')).toContain('pump-22.bundle.pem: OK')
  for (const name of ['pump-21.p12', 'pump-21.p12.password', 'old-1.p12', 'pump-22.bundle.pem'])
    expect(modeOf(name)).toBe(0o600)

  expect(run(exported ?? '')).toMatch(/^(?:3 certificates\n){2}wrote 3 files\n"name",/)
  expect(
    readFileSync(join(folder, 'devices.csv'), 'utf8').match(/^"(?:pump-2[12]|old-1)","device","issued"/gm),
  ).toHaveLength(3)
  const names = readFileSync(join(folder, 'devices.jsonl'), 'utf8').trim().split('\n')
  expect(names.map(line => JSON.parse(line).name)).toEqual(['pump-21', 'old-1', 'pump-22'])
  expect(readdirSync(join(folder, 'pem'))).toHaveLength(3)
})
