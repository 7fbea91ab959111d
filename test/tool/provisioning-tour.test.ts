/** docs/provisioning.md as it stands, in one folder, with a guarded broker that takes what it makes and refuses what it revokes. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGuarded } from '../../src/tool/start-guarded.ts'
import type { TraceEvent } from '../../src/trace.ts'
import { RawClient } from '../support/raw-client.ts'
import { openTour, type Tour } from '../support/tour.ts'

let tour: Tour

beforeAll(() => {
  tour = openTour('provisioning.md')
})
afterAll(() => tour.close())

const credentials = (name: string, key = name) => ({
  key: tour.text(`${key}.key`),
  cert: tour.text(`${name}.pem`),
  ca: tour.text('pump-12.ca.pem'),
})

test('from nothing to a device that is connected, renewed, revoked and refused', { timeout: 300_000 }, async () => {
  const { blocks, folder, run, shell, text } = tour
  const [create, issue, sign, renew, revoke, crl, ...more] = blocks
  expect(more).toEqual([])
  expect(await run(create ?? '')).toContain('crl: [ca/acme.crl]')
  const issued = await run(issue ?? '')
  expect(issued).toContain('identity     device:site=s1,device=pump-12\nclient id    pump-12\n')
  expect(issued).toContain('allow publish plant/s1/pump-12/telemetry/#')
  await run(sign ?? '')
  for (const key of ['pump-12.key', 'broker.key', 'ca/root.key', 'ca/issuing.key', 'ca/ledger.db'])
    expect(statSync(join(folder, key)).mode & 0o777).toBe(0o600)
  const strict = 'openssl verify -x509_strict -CAfile ca/root.pem -untrusted ca/issuing.pem'
  await run(`${strict} -purpose sslclient pump-12.pem pump-13.pem && ${strict} -purpose sslserver broker.pem`)

  const events: TraceEvent[] = []
  const broker = await startGuarded(
    {
      policies: join(folder, 'policies'),
      baseFolder: join(folder, 'ca'),
      issuers: { acme: { certificates: ['issuing.pem'], root: 'root.pem', crl: ['acme.crl'] } },
      trace: event => events.push(event),
    },
    { port: 0, host: '127.0.0.1', tls: { keyFile: join(folder, 'broker.key'), certFile: join(folder, 'broker.pem') } },
  )
  try {
    const { port } = broker.address
    const first = await RawClient.connect(port, credentials('pump-12'), 'pump-12')
    const other = await RawClient.connect(port, credentials('pump-13'), 'pump-13')
    expect([first.code, other.code]).toEqual([0, 0])

    expect(await run(renew ?? '')).toContain('accepted')
    await first.client.closed
    const renewed = await RawClient.connect(port, credentials('renewed/pump-12'), 'pump-12')
    expect(renewed.code).toBe(0)

    expect((await run(revoke ?? '')).match(/^revoked pump-12 /gm)).toHaveLength(2)
    await renewed.client.closed
    for (const name of ['pump-12', 'renewed/pump-12'])
      expect((await RawClient.connect(port, credentials(name), 'pump-12')).code).not.toBe(0)
    const refused = events.filter(event => event.event === 'connect-refused' || event.event === 'handshake-refused')
    expect(refused.map(({ problem }) => problem.code)).toEqual(['accept/revoked', 'accept/revoked'])
    other.client.socket.destroy()
  } finally {
    await broker.close()
  }

  expect(await run(crl ?? '')).toContain('2 revoked')
  const list = await run('openssl crl -in ca/acme.crl -noout -text -CAfile ca/issuing.pem')
  expect(list).toContain('Key Compromise')
  const check = `cat ca/root.pem > all.pem && ${strict} -crl_check -CRLfile ca/acme.crl`
  await run(`${check} pump-13.pem`)
  expect((await shell(`${check} pump-12.pem`)).stderr).toContain('certificate revoked')

  // questions with exit codes
  expect((await shell('portcullis device verify pump-12.pem')).stderr).toContain('provision/not-in-force')
  expect((await shell('portcullis device verify pump-12.pem')).exit).toBe(2)
  expect((await shell('portcullis device list --expiring 30d')).exit).toBe(0)
  expect((await shell('portcullis device list --expiring 400d')).exit).toBe(2)
  const shown = JSON.parse(await run('portcullis ca show --json'))
  expect(shown.certificates).toEqual({ reserved: 0, issued: 2, superseded: 0, revoked: 2 })
  const [json] = JSON.parse(await run('portcullis device show pump-13 --json'))
  expect(json).toMatchObject({ state: 'issued', identity: 'device:site=s1,device=pump-13' })
  expect(text('pump-13.pem').startsWith(json.pem)).toBe(true)

  // nothing is made where the answer is no
  const secret = '--passphrase-file secret.txt'
  const taken = await shell(`mkdir -p two && portcullis device issue pump-13 --set site=s2 --out two ${secret}`)
  expect([taken.exit, taken.stderr]).toEqual([2, expect.stringContaining('provision/taken')])
  expect(await run('ls -A two')).toBe('')
  const stolen = 'portcullis device sign pump-14 --csr pump-13.csr --set site=s1 --out two'
  expect((await shell(`${stolen} ${secret}`)).stderr).toContain('the key belongs to device:site=s1,device=pump-13')
})
