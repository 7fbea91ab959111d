/** docs/enrolment.md as it stands, with curl and openssl as devices and a guarded broker that takes what comes of it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGuarded } from '../../src/tool/start-guarded.ts'
import { RawClient } from '../support/raw-client.ts'
import { openTour, type Tour } from '../support/tour.ts'

const hasCurl = spawnSync('curl', ['--version']).status === 0
if (!hasCurl) console.warn('SKIPPED: enrolment by curl and openssl is not tested, there is no curl here')

let tour: Tour
let service: ChildProcess | undefined
/** Where the page says 8443. */
let port = '0'
const onPort = (block = ''): string => block.replaceAll(':8443', `:${port}`)
const secret = '--passphrase-file secret.txt'

beforeAll(() => {
  tour = openTour('docs/enrolment.md')
  copyFileSync(new URL('../../examples/enroll-with-curl.sh', import.meta.url), join(tour.folder, 'enroll-with-curl.sh'))
})
afterAll(async () => {
  if (service?.exitCode === null) {
    service.kill()
    await once(service, 'exit')
  }
  tour.close()
})

/** Starts the block that does not end, on a free port, and gives the lines that it begins with. */
async function serve(block: string): Promise<readonly string[]> {
  const script = `exec ${block.trim().replace('--port 8443', '--port 0')} --per-name 100 --log service.log`
  service = spawn('sh', ['-c', script], { cwd: tour.folder, env: tour.env, stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  for await (const line of createInterface({ input: service.stdout as NodeJS.ReadableStream })) {
    lines.push(line)
    if (line.startsWith('tokens')) break
  }
  port = /:(\d+)\//.exec(lines[0] ?? '')?.[1] ?? ''
  return lines
}

const credentials = (name: string) => ({
  key: tour.text(`${name}.key`),
  cert: tour.text(`${name}.pem`),
  ca: tour.text('ca/root.pem'),
})

test('from a token to a device that is connected, renewed, revoked and refused', { timeout: 300_000 }, async () => {
  const { blocks, folder, run, shell, text } = tour
  const [create, start, token, request, tokens, renew, curl, ...more] = blocks
  expect(more).toEqual([])
  await run(create ?? '')
  const lines = await serve(start ?? '')
  expect(lines).toHaveLength(6)
  expect(lines[0]).toMatch(/^enrolling at https:\/\/localhost:\d+\/\.well-known\/est {2}\(EST, RFC 7030\)$/)
  await run(token ?? '')
  const enrolled = await run(onPort(request))
  expect(enrolled).toMatch(
    /^serial {7}[0-9a-f]{32}\nvalid until .*\nkey {10}pump-12\.key\ncertificate {2}pump-12\.pem\n/,
  )
  for (const file of ['pump-12.token', 'pump-12.key', 'ca/enroll.key', 'service.log'])
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600)
  expect(text('ca/enroll.key')).toContain('ENCRYPTED')
  const strict = 'openssl verify -x509_strict -purpose sslclient -CAfile ca/root.pem -untrusted ca/issuing.pem'
  await run(`${strict} pump-12.pem`)

  // once
  const again = await shell(onPort(`mkdir -p two && ${request?.trim()} --out two`))
  expect([again.exit, again.stderr]).toEqual([
    2,
    expect.stringContaining('the service answered 401: provision/bad-token'),
  ])
  expect(readdirSync(join(folder, 'two'))).toEqual([])
  const over = await shell(onPort(request))
  expect([over.exit, over.stderr]).toEqual([3, expect.stringContaining('provision/file-exists')])

  const broker = await startGuarded(
    {
      policies: join(folder, 'policies'),
      baseFolder: join(folder, 'ca'),
      issuers: { acme: { certificates: ['issuing.pem'], root: 'root.pem', crl: ['acme.crl'] } },
      trace: () => undefined,
    },
    { port: 0, host: '127.0.0.1', tls: { keyFile: join(folder, 'enroll.key'), certFile: join(folder, 'enroll.pem') } },
  )
  try {
    const at = broker.address.port
    const first = await RawClient.connect(at, credentials('pump-12'), 'pump-12')
    expect(first.code).toBe(0)
    const before = credentials('pump-12')

    expect(await run(onPort(renew))).toContain('certificate  pump-12.pem')
    const after = credentials('pump-12')
    expect(after.key).not.toBe(before.key)
    expect(after.cert).not.toBe(before.cert)
    await run(`${strict} pump-12.pem`)
    expect(statSync(join(folder, 'pump-12.key')).mode & 0o777).toBe(0o600)
    const renewed = await RawClient.connect(at, after, 'pump-12')
    expect(renewed.code).toBe(0)
    await first.client.closed // taken over

    await run(`portcullis device revoke pump-12 --reason keyCompromise ${secret}`)
    await renewed.client.closed
    const refused = await shell(onPort(renew))
    expect([refused.exit, refused.stderr]).toEqual([2, expect.stringContaining('403: provision/not-in-force')])
    expect(credentials('pump-12')).toEqual(after)

    const listed = await run(tokens ?? '')
    expect(listed).toMatch(
      /^token {8}pump-99\.token\n[0-9a-f]{32} {2}outstanding {2}until .* pump-99 {2}device:site=s1,device=pump-99\n$/,
    )
    const withdrawn = await shell(
      onPort('portcullis enroll request https://localhost:8443 pump-99 --token-file pump-99.token --ca ca/root.pem'),
    )
    expect(withdrawn.stderr).toContain('the token is withdrawn since')
    expect((await run('portcullis enroll list --all --json')).match(/"state": "(.*)"/g)).toHaveLength(2)

    if (hasCurl) {
      expect((await run(onPort(curl))).match(/^subject=OU = s1, CN = pump-13\nnotAfter=/gm)).toHaveLength(2)
      await run(`${strict} pump-13.pem`)
      expect((await RawClient.connect(at, credentials('pump-13'), 'pump-13')).code).toBe(0)
      expect(JSON.parse(await run('portcullis device show pump-13 --json'))).toHaveLength(2)
      await run(`portcullis device revoke pump-13 ${secret}`)
      const no = await shell(onPort('sh enroll-with-curl.sh renew https://localhost:8443 ca/root.pem pump-13'))
      expect([no.exit, no.stderr]).toEqual([
        1,
        expect.stringContaining('the service answered 403: provision/not-in-force'),
      ])
    }
  } finally {
    await broker.close()
  }

  // nothing that was handed out stands in the log, and nothing is left lying about
  const log = text('service.log')
  expect(log.match(/"event":"enrolled"/g)).toHaveLength(hasCurl ? 4 : 2)
  for (const name of ['pump-12', 'pump-99']) {
    for (const part of text(`${name}.token`).trim().split('.')) expect(log).not.toContain(part)
  }
  expect(log).not.toMatch(/PRIVATE|Basic /)
  expect(readdirSync(folder).filter(name => name.startsWith('.'))).toEqual([])

  const { certificates } = JSON.parse(await run('portcullis ca show --json'))
  expect(certificates.revoked).toBeGreaterThanOrEqual(2)
  service?.kill()
  const [exit] = await once(service as ChildProcess, 'exit')
  expect(exit).toBe(0)
})

test('the example asks for nothing that a POSIX shell does not have', () => {
  const script = readFileSync(new URL('../../examples/enroll-with-curl.sh', import.meta.url), 'utf8')
  expect(script).toMatch(/^#!\/bin\/sh\n/)
  expect(script).not.toMatch(/\[\[|\bfunction\b|\blocal\b|<\(|\$'/)
})
