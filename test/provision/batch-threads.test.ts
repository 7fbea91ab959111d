/** A batch that makes its keys and signatures in threads: the same certificates, and nothing left of it however it ends. */
import { execFileSync, spawn } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Workshop } from '../../src/provision/batch/workshop.ts'
import { createCa, type OpenCa, openCa } from '../../src/provision/ca-folder.ts'
import { type BatchOptions, type BatchRow, issueBatch } from '../../src/provision/issue-batch.ts'
import { createKeys } from '../../src/provision/keys.ts'
import { planDevice } from '../../src/provision/plan-device.ts'
import { deviceFiles, stageDevice, threeFiles } from '../../src/tool/device/device-files.ts'
import { setOf } from '../support/policy-set.ts'

const policy = `
identities:
  device: { from: { subject.ou: "\${site}", subject.cn: "\${device}" }, unique: [device], clientId: "\${device}", roles: [sensor] }
roles:
  sensor: { allow: [{ publish: "plant/\${site}/\${device}/#" }] }
`
// the sources are TypeScript, which a thread of Node 20 does not run
const workerUrl = new URL('../../dist/provision/batch/workshop-worker.js', import.meta.url)
const main = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))
const now = (): Date => new Date()
let folder = ''
let out = ''
let ca: OpenCa

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-threads-'))
  out = join(folder, 'out')
  mkdirSync(out)
  const days = { rootDays: 3650, issuingDays: 1825, crlDays: 30 }
  const made = { name: 'acme', keyType: 'p256', passphrase: undefined, ...days } as const
  await createCa(join(folder, 'ca'), made, { now, by: 'test' })
  ca = await openCa(join(folder, 'ca'), undefined, { now, by: 'test' })
})
afterEach(() => {
  ca.ledger.close()
  rmSync(folder, { recursive: true })
})

function rowsOf(count: number): readonly BatchRow[] {
  const set = setOf(policy)
  const { publicKey } = createKeys()
  return Array.from({ length: count }, (_, index) => {
    const name = `dev-${index}`
    const identity = { kind: 'device', captures: new Map(Object.entries({ site: 's1', device: name })) }
    const issuer = { name: 'acme', only: new Map<string, readonly string[]>() }
    const plan = planDevice(ca, { set, issuer, identity, name, publicKey, days: 10 })
    if (!plan.ok) throw new Error(plan.problem.sentence)
    return { plan: plan.value, place: `fleet.csv:${index + 2}` }
  })
}

function optionsOf(more: Partial<BatchOptions> = {}): BatchOptions {
  const output = { ...threeFiles, pkcs12: more.pkcs12 }
  return {
    keyType: 'p256',
    jobs: 2,
    worthwhileMs: 0,
    workerUrl,
    stage: device => stageDevice(deviceFiles(out, device.name, true, output), device, output, ca),
    recover: async () => 'elsewhere',
    ...more,
  }
}

/** A thread of another kind, that does this with a task. */
function threadThat(does: string): URL {
  const path = join(folder, 'thread.mjs')
  const makeDevice = new URL('../../dist/provision/batch/make-device.js', import.meta.url)
  const head = `import { inspect } from 'node:util'
import { parentPort, workerData } from 'node:worker_threads'
import { makeDeviceKeys } from '${makeDevice}'
const makes = task => parentPort.postMessage({ ok: true, value: { keys: makeDeviceKeys(task.make, task.count) } })`
  writeFileSync(path, `${head}\nparentPort.on('message', task => { ${does} })\n`)
  return pathToFileURL(path)
}

const codeOf = (error: unknown): unknown => (error as { problems?: { code: string }[] }).problems?.[0]?.code
const failureOf = (batch: Promise<unknown>): Promise<unknown> =>
  batch.then(
    () => 'it went well',
    (error: unknown) => error,
  )

describe('in threads', () => {
  test('every device has a key, a certificate for it, and a record that says so', async () => {
    const done: number[] = []
    const result = await issueBatch(ca, rowsOf(150), optionsOf({ onProgress: count => void done.push(count) }))
    expect(done).toEqual([64, 128, 150])
    expect(result.issued).toHaveLength(150)
    const issuing = new X509Certificate(ca.issuingPem)
    const keys = new Set<string>()
    for (const record of ca.ledger.all()) {
      const leaf = new X509Certificate(readFileSync(join(out, `${record.name}.pem`)))
      const key = readFileSync(join(out, `${record.name}.key`), 'utf8')
      expect(record.state).toBe('issued')
      expect(leaf.raw.equals(record.der ?? Buffer.alloc(0))).toBe(true)
      expect(leaf.checkPrivateKey(createPrivateKey(key)) && leaf.verify(issuing.publicKey)).toBe(true)
      expect(leaf.subject).toBe(`OU=s1\nCN=${record.name}`)
      keys.add(key)
    }
    expect(keys.size).toBe(150)
    expect(readdirSync(out)).toHaveLength(450)
  })

  test('PKCS#12 files, each with a password of its own', async () => {
    const pkcs12 = { form: 'modern', password: undefined } as const
    expect((await issueBatch(ca, rowsOf(3), optionsOf({ pkcs12 }))).issued).toHaveLength(3)
    const passwords = [0, 1, 2].map(index => readFileSync(join(out, `dev-${index}.p12.password`), 'utf8').trim())
    expect(new Set(passwords).size).toBe(3)
    for (const [index, password] of passwords.entries()) {
      const opened = ['pkcs12', '-in', join(out, `dev-${index}.p12`), '-passin', `pass:${password}`, '-nodes']
      expect(execFileSync('openssl', opened, { encoding: 'utf8', stdio: 'pipe' })).toContain(
        `friendlyName: dev-${index}`,
      )
    }
  })

  test('the key of the authority goes there as an object, never as text', async () => {
    const tell = `parentPort.postMessage({ ok: false, message: inspect([workerData, task], { depth: null, showHidden: true }) })`
    const told = String(await failureOf(issueBatch(ca, rowsOf(4), optionsOf({ workerUrl: threadThat(tell) }))))
    expect(told).toContain('PrivateKeyObject')
    expect(told).not.toContain('PRIVATE KEY')
  })

  test('few rows start none', async () => {
    const { worthwhileMs: _, ...options } = optionsOf({ workerUrl: new URL('file:///nowhere.js') })
    expect((await issueBatch(ca, rowsOf(64), options)).issued).toHaveLength(64)
  })
})

describe('a thread that dies', () => {
  test.each([
    ['as it is to sign', 'process.exit(3)', 'ended with exit code 3'],
    ['as it signs', "throw new Error('out of luck')", 'failed: out of luck'],
  ])('%s: the chunk is taken back, and nobody has a certificate', async (_, dies, sentence) => {
    const url = threadThat(`if ('make' in task) makes(task); else ${dies}`)
    const error = await failureOf(issueBatch(ca, rowsOf(100), optionsOf({ workerUrl: url })))
    expect([codeOf(error), String(error)]).toEqual(['provision/worker-died', expect.stringContaining(sentence)])
    const states = ca.ledger.all().map(({ state, reason }) => `${state} ${reason}`)
    expect(states).toEqual(Array.from({ length: 64 }, () => 'revoked cessationOfOperation'))
    expect(readdirSync(out)).toEqual([])
    // and the same rows can be issued after that
    expect((await issueBatch(ca, rowsOf(100), optionsOf())).issued).toHaveLength(100)
  })

  test('before there is a key: nothing was reserved', async () => {
    const error = await failureOf(issueBatch(ca, rowsOf(100), optionsOf({ workerUrl: threadThat('process.exit(3)') })))
    expect([codeOf(error), ca.ledger.all()]).toEqual(['provision/worker-died', []])
  })
})

describe('a disk that fails', () => {
  test('takes the chunk back, and leaves no thread', async () => {
    const stage = async (): Promise<never> => Promise.reject(new Error('ENOSPC'))
    expect(String(await failureOf(issueBatch(ca, rowsOf(100), optionsOf({ stage }))))).toContain('ENOSPC')
    expect(new Set(ca.ledger.all().map(({ state }) => state))).toEqual(new Set(['revoked']))
  })
})

describe('a batch that is stopped', () => {
  test('while keys are made: at once, and nothing was reserved', async () => {
    const stopping = new AbortController()
    const batch = issueBatch(ca, rowsOf(40), optionsOf({ keyType: 'rsa4096', signal: stopping.signal }))
    setImmediate(() => stopping.abort())
    expect(await batch).toMatchObject({ issued: [], stopped: true })
    expect(ca.ledger.all()).toEqual([])
  })

  test('without threads: no more keys are made', async () => {
    const { authority: signer } = ca
    const workshop = new Workshop({ keyType: 'rsa4096', jobs: 1, pkcs12: undefined, signer, chainPem: [] })
    const making = workshop.makeKeys(1000)
    await workshop.close()
    await expect(making).rejects.toThrow('the workshop is closed')
  })

  test('by Ctrl-C: the process ends, and says how to go on', { timeout: 60_000 }, async () => {
    mkdirSync(join(folder, 'policies'))
    writeFileSync(join(folder, 'policies/plant.yaml'), `portcullis: 1${policy}`)
    const rows = Array.from({ length: 40 }, (_, index) => `s1,dev-${index}\n`)
    writeFileSync(join(folder, 'fleet.csv'), `site,device\n${rows.join('')}`)
    const args = [main, 'device', 'issue', '--batch', 'fleet.csv', '--out', 'late', '--key', 'rsa4096', '--jobs', '2']
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', text => {
      said += text
    })
    const watcher = watch(folder, () => {
      if (!existsSync(join(folder, 'late'))) return
      watcher.close()
      child.kill('SIGINT')
    })
    const [code] = await once(child, 'close')
    expect([code, said]).toEqual([1, expect.stringContaining('the same command goes on with what is left')])
    expect(ca.ledger.all().filter(({ state }) => state === 'reserved')).toEqual([])
  })
})
