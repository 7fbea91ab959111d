/** Batches by real processes: resumed after a kill at any point, with revocations beside them. */
import { execFile, spawn } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import {
  type FSWatcher,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseCrlFile } from '../../src/accept/crl.ts'
import { createCa, openCa } from '../../src/provision/ca-folder.ts'
import { publishCrl } from '../../src/provision/crl-file.ts'
import type { LedgerRecord } from '../../src/provision/ledger-record.ts'
import { Random } from '../fuzz/random.ts'

const child = fileURLToPath(new URL('../support/batch-child.mjs', import.meta.url))
const policy = `portcullis: 1
identities:
  device: { from: { subject.ou: "\${site}", subject.cn: "\${device}" }, unique: [device], clientId: "\${device}", roles: [sensor] }
roles:
  sensor: { allow: [{ publish: "plant/\${site}/\${device}/#" }] }
`
let folder = ''
let out = ''

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-batch-'))
  out = join(folder, 'out')
  mkdirSync(join(folder, 'policies'))
  mkdirSync(out)
  writeFileSync(join(folder, 'policies/plant.yaml'), policy)
  const ca = {
    name: 'acme',
    keyType: 'p256',
    passphrase: undefined,
    rootDays: 3650,
    issuingDays: 1825,
    crlDays: 30,
  } as const
  await createCa(join(folder, 'ca'), ca, { now: () => new Date(), by: 'test' })
})
afterEach(() => rmSync(folder, { recursive: true }))

function table(from: number, to: number): void {
  const rows = Array.from({ length: to - from }, (_, index) => `s1,dev-${from + index}\n`)
  writeFileSync(join(folder, 'fleet.csv'), `site,device\n${rows.join('')}`)
}

/** Runs one to its end, or kills it once so many files have come or gone. */
async function run(
  args: readonly string[],
  killAt?: number,
): Promise<{ readonly said: string; readonly killed: boolean }> {
  const process_ = spawn(process.execPath, [child, args[0] ?? '', folder, ...args.slice(1)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  process_.stdout.setEncoding('utf8').on('data', text => {
    said += text
  })
  let watcher: FSWatcher | undefined
  if (killAt !== undefined) {
    let seen = 0
    const see = (): void => {
      if (++seen === killAt) process_.kill('SIGKILL')
    }
    watcher = watch(folder, { recursive: true }, see)
  }
  const signal = await new Promise(resolve => process_.once('close', (_, by) => resolve(by)))
  watcher?.close()
  return { said, killed: signal === 'SIGKILL' }
}

/** What is wrong with the files of a living certificate. */
function faultOf({ name, der }: LedgerRecord): string | undefined {
  try {
    const pem = readFileSync(join(out, `${name}.pem`), 'utf8')
    const key = createPrivateKey(readFileSync(join(out, `${name}.key`)))
    const leaf = new X509Certificate(pem)
    if (!leaf.raw.equals(der ?? Buffer.alloc(0))) return `${name}: another certificate than the ledger has`
    if (!leaf.checkPrivateKey(key)) return `${name}: the key does not fit`
    if ((statSync(join(out, `${name}.key`)).mode & 0o777) !== 0o600) return `${name}: the key is open`
    readFileSync(join(out, `${name}.ca.pem`))
    return undefined
  } catch (error) {
    return `${name}: ${(error as Error).message}`
  }
}

test('a table is issued once, whoever runs it how often', { timeout: 60_000 }, async () => {
  table(0, 100)
  expect((await run(['issue', '0'])).said).toMatch(
    /^done issued=100 whole=0 completed=0 elsewhere=0 revoked=0 refused=0/,
  )
  rmSync(join(out, 'dev-7.pem'))
  rmSync(join(out, 'dev-8.key'))
  await run(['revoke', '0', 'dev-9'])
  expect((await run(['issue', '0'])).said).toMatch(
    /^done issued=0 whole=97 completed=1 elsewhere=1 revoked=1 refused=0/,
  )
  const leaf = join(out, 'dev-7.pem')
  const { stdout } = await promisify(execFile)('openssl', [
    'verify',
    '-CAfile',
    join(folder, 'ca/root.pem'),
    '-untrusted',
    leaf,
    leaf,
  ])
  expect(stdout).toContain('OK')
})

test('a row that another command has reserved is refused, and issued when its lease is over', {
  timeout: 60_000,
}, async () => {
  table(0, 3)
  const ca = await openCa(join(folder, 'ca'), undefined, { now: () => new Date(), by: 'other' })
  const taken = ca.ledger.reserve({
    issuerKeyId: ca.issuerKeyId,
    serialHex: '41',
    profile: 'device',
    name: 'dev-1',
    identity: 'device:site=s1,device=dev-1',
    clientIds: ['dev-1'],
    keyHash: 'k',
    notAfter: new Date(Date.now() + 86_400_000),
    holds: ['identity device:site=s1,device=dev-1', 'client-id dev-1'],
    renew: false,
  })
  ca.ledger.close()
  expect(taken.ok).toBe(true)
  const early = (await run(['issue', '0'])).said
  expect(early).toMatch(/^done issued=2 .* refused=1/)
  expect(early).toContain('is reserved since')
  expect((await run(['issue', '2'])).said).toMatch(/^done issued=1 whole=2 .* refused=0/)
})

const kills = Number(process.env['BATCH_KILLS'] ?? 6)
const perTurn = 40

test(`killed ${kills} times with revocations beside it, nothing is lost, double or orphaned`, {
  timeout: 3_600_000,
}, async () => {
  const random = new Random(20_261_128)
  const revoked = new Set<string>()
  let killed = 0
  let turn = 0
  for (; killed < kills && turn < kills * 4; turn++) {
    table(Math.max(0, turn - 2) * perTurn, (turn + 1) * perTurn)
    const victims = turn === 0 ? [] : Array.from({ length: 3 }, () => `dev-${random.below(turn * perTurn)}`)
    const [batch, revocations] = await Promise.all([
      run(['issue', String(turn * 2)], 1 + random.below(1200)),
      run(['revoke', String(turn * 2), victims.join(',')]),
    ])
    for (const [, serial = ''] of revocations.said.matchAll(/revoked (\w+)/g)) revoked.add(serial)
    if (batch.killed) killed++
  }
  table(0, turn * perTurn)
  const { said } = await run(['issue', String(turn * 2)])

  const now = (): Date => new Date(Date.now() + turn * 2 * 60_000)
  const ca = await openCa(join(folder, 'ca'), undefined, { now, by: 'test' })
  await publishCrl(ca, 30)
  const all = ca.ledger.all()
  ca.ledger.close()
  const living = all.filter(({ state }) => state === 'issued')
  const gone = all.filter(({ state }) => state === 'revoked')
  const crl = parseCrlFile(readFileSync(ca.crlFile))
  const listed = crl.ok ? gone.filter(({ serialHex }) => crl.value[0]?.entries.has(serialHex)).length : -1
  const known = new Set(all.filter(({ der }) => der !== undefined).map(({ name }) => name))
  const counts = {
    killed,
    devices: turn * perTurn,
    records: all.length,
    living: living.length,
    revoked: revoked.size,
    takenBack: gone.length - revoked.size,
    // a device that was not revoked has exactly one certificate
    double: living.length - new Set(living.map(({ identity }) => identity)).size,
    missing:
      turn * perTurn -
      living.length -
      new Set(gone.filter(({ serialHex }) => revoked.has(serialHex)).map(({ name }) => name)).size,
    broken: living.flatMap(record => faultOf(record) ?? []),
    // certificates that the ledger does not know of
    orphans: readdirSync(out).filter(file => /^dev-\d+\.pem$/.test(file) && !known.has(file.slice(0, -4))).length,
    serialsTwice: all.length - new Set(all.map(({ serialHex }) => serialHex)).size,
    brought_back: living.filter(({ name }) => gone.some(one => one.name === name && revoked.has(one.serialHex))).length,
    notOnCrl: gone.length - listed,
    reserved: all.filter(({ state }) => state === 'reserved').length,
  }
  console.log(JSON.stringify(counts), said.split('\n')[0])
  expect(counts).toMatchObject({
    killed: kills,
    double: 0,
    missing: 0,
    broken: [],
    orphans: 0,
    serialsTwice: 0,
    brought_back: 0,
    notOnCrl: 0,
    reserved: 0,
  })
})
