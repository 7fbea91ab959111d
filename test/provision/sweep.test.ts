/** What killed commands leave, and what the next one removes of it: that and nothing else. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sweepFiles, sweepNewCas } from '../../src/provision/sweep.ts'

const main = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))
const stageChild = fileURLToPath(new URL('../support/stage-child.mjs', import.meta.url))
const hourMs = 3_600_000
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-sweep-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const options = { now: new Date(), uid: process.getuid?.() }
const hex = 'a1b2c3d4e5f6'

/** Makes a file, or a folder where the name ends with a slash, that was last touched so many hours ago. */
function put(name: string, hours = 2): void {
  const path = join(folder, name)
  if (name.endsWith('/')) mkdirSync(path, { recursive: true })
  else writeFileSync(path, 'x')
  age(path, hours)
}

function age(path: string, hours = 2): void {
  const then = new Date(options.now.getTime() - hours * hourMs)
  utimesSync(path, then, then)
}

async function killedOnce(child: ChildProcess, isReady: () => boolean): Promise<void> {
  while (!isReady()) await nextTurn()
  child.kill('SIGKILL')
  await once(child, 'close')
}

describe('a killed command', () => {
  test('that was issuing leaves files, which the next one removes once they are old', async () => {
    const child = spawn(process.execPath, [stageChild, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    await killedOnce(child, () => true)
    const left = readdirSync(folder)
    expect(left).toHaveLength(5)
    expect(await sweepFiles(folder, options)).toEqual([])
    for (const name of left) age(join(folder, name))
    expect([...(await sweepFiles(folder, options))].sort()).toEqual(left.sort())
    expect(readdirSync(folder)).toEqual([])
  })

  test('that was creating an authority leaves a folder, which the next `ca create` removes once it is old', {
    timeout: 120_000,
  }, async () => {
    const create = [main, 'ca', 'create', '--no-passphrase', '--key']
    const child = spawn(process.execPath, [...create, 'rsa4096'], { cwd: folder, stdio: 'ignore' })
    const halves = (): readonly string[] => readdirSync(folder).filter(name => name.startsWith('.ca.new-'))
    await killedOnce(child, () => halves().length > 0)
    const [half = ''] = halves()
    expect(readdirSync(folder)).toEqual([half])
    const run = (name: string) =>
      execFileSync('sh', ['-c', '"$@" 2>&1', 'sh', process.execPath, ...create, 'p256', '--ca', name], {
        cwd: folder,
        encoding: 'utf8',
      })
    run('ca')
    expect(readdirSync(folder).sort()).toEqual([half, 'ca'])
    for (const name of readdirSync(join(folder, half))) age(join(folder, half, name))
    age(join(folder, half))
    run('other') // beside its own name only
    expect(readdirSync(folder)).toContain(half)
    rmSync(join(folder, 'ca'), { recursive: true })
    expect(run('ca')).toContain('removed 1 folder that a killed command left in .')
    expect(readdirSync(folder).sort()).toEqual(['ca', 'other'])
  })
})

describe('what goes', () => {
  test.each([
    'pump-12.key',
    'pump-12.pem',
    'pump-12.ca.pem',
    'pump-12.bundle.pem',
    'pump-12.p12',
    'pump-12.p12.password',
    'pump-12.token',
    'request.csr',
    'acme.crl',
  ])('what was to become %s', async name => {
    put(`.${name}.${hex}.tmp`)
    expect(await sweepFiles(folder, options)).toEqual([`.${name}.${hex}.tmp`])
    expect(readdirSync(folder)).toEqual([])
  })

  test('of a device that has a certificate: what it has no use for, since it has a key', async () => {
    const isIssued = (name: string): boolean => name !== 'pump-3'
    for (const name of ['pump-1.key', 'pump-2.bundle.pem']) put(name)
    for (const name of ['pump-1.key', 'pump-2.p12', 'pump-3.key', 'pump-3.p12.password']) put(`.${name}.${hex}.tmp`)
    // its only key may be under this name: `device issue --batch` looks there
    for (const name of ['pump-4.key', 'pump-4.p12.password', 'pump-5.bundle.pem']) put(`.${name}.${hex}.tmp`)
    expect(await sweepFiles(folder, { ...options, isIssued })).toHaveLength(4)
    expect(readdirSync(folder).sort()).toEqual(
      ['.pump-4.key', '.pump-4.p12.password', '.pump-5.bundle.pem']
        .map(name => `${name}.${hex}.tmp`)
        .concat('pump-1.key', 'pump-2.bundle.pem'),
    )
  })
})

describe('what stays', () => {
  test.each([
    `pump-12.key`,
    `.pump-12.key`,
    `.pump-12.key.${hex}`,
    `pump-12.key.${hex}.tmp`,
    `.pump-12.key.${hex}0.tmp`,
    `.pump-12.key.A1B2C3D4E5F6.tmp`,
    `.pump-12.txt.${hex}.tmp`,
    `.key.${hex}.tmp`,
    `.ledger.db.${hex}.tmp`,
    `ledger.db-journal`,
    `.notes.pem.${hex}.tmp/`,
  ])('%s is not ours', async name => {
    put(name)
    expect(await sweepFiles(folder, options)).toEqual([])
  })

  test.each([
    ['young', 0.99],
    ['of the future', -2],
  ])('a file that is %s', async (_, hours) => {
    put(`.pump-12.key.${hex}.tmp`, hours)
    expect(await sweepFiles(folder, options)).toEqual([])
    expect(readdirSync(folder)).toHaveLength(1)
  })

  test('a file of another user', async () => {
    put(`.pump-12.key.${hex}.tmp`)
    expect(await sweepFiles(folder, { ...options, uid: (options.uid ?? 0) + 1 })).toEqual([])
    expect(await sweepFiles(folder, options)).toHaveLength(1)
  })

  test('a link, and what it leads to', async () => {
    put('precious.key')
    const link = join(folder, `.precious.key.${hex}.tmp`)
    symlinkSync('precious.key', link)
    lutimesSync(link, 0, 0)
    expect(await sweepFiles(folder, options)).toEqual([])
    symlinkSync(tmpdir(), join(folder, '.ca.new-Abc123'))
    lutimesSync(join(folder, '.ca.new-Abc123'), 0, 0)
    expect(await sweepNewCas(join(folder, 'ca'), options)).toEqual([])
  })

  test.each([
    ['of another name', '.cab.new-Abc123/', 'root.key', 2],
    ['with a longer ending', '.ca.new-Abc1234/', 'root.key', 2],
    ['with a file of somebody else', '.ca.new-Abc123/', 'notes.txt', 2],
    ['that holds a folder', '.ca.new-Abc123/', 'ledger.db/', 2],
    ['in which something is being written', '.ca.new-Abc123/', 'ledger.db-journal', 0],
  ])('a folder %s', async (_, name, inside, hours) => {
    put(name)
    put(`${name}${inside}`, hours)
    age(join(folder, name))
    expect(await sweepNewCas(join(folder, 'ca'), options)).toEqual([])
  })

  test('nothing of half an authority', async () => {
    put('.ca.new-Abc123/')
    for (const name of ['root.key', 'root.pem', 'ledger.db', 'acme.crl', `.issuing.key.${hex}.tmp`])
      put(`.ca.new-Abc123/${name}`)
    age(join(folder, '.ca.new-Abc123'))
    expect(await sweepNewCas(join(folder, 'ca'), options)).toEqual(['.ca.new-Abc123'])
    expect(readdirSync(folder)).toEqual([])
  })

  test('a folder that is not there is none', async () => {
    expect(await sweepFiles(join(folder, 'none'), options)).toEqual([])
  })
})
