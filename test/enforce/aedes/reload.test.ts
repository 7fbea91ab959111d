/** Changed keys, certificates and CAs come into force without a restart, and what is connected stays connected (1.1, 4.2). */
import { X509Certificate } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Authority, createIssuing, issueLeaf, openAuthority, signCrl } from '../../../src/provision/authority.ts'
import { type Plant, startPlant } from '../../support/plant.ts'
import { type Credentials, RawClient } from '../../support/raw-client.ts'

const own = 'plant/s1/pump-7/telemetry/temp'
const hourMs = 3_600_000

let plant: Plant
beforeEach(async () => {
  plant = await startPlant()
})
afterEach(() => plant.close())

const path = (name: string): string => join(plant.folder, 'certs-dev', name)
const text = (name: string): Promise<string> => readFile(path(name), 'utf8')
const put = (name: string, content: string): Promise<void> => writeFile(path(name), content)
const authority = async (name: string): Promise<Authority> =>
  openAuthority(await text(`${name}.pem`), await text(`${name}.key`))

const span = () => ({ notBefore: new Date(Date.now() - hourMs), notAfter: new Date(Date.now() + hourMs) })

async function login(credentials: Credentials, clientId = 'pump-7'): Promise<RawClient> {
  const { client, code } = await RawClient.connect(plant.port, credentials, clientId)
  expect(code).toBe(0)
  return client
}

async function isWell(client: RawClient): Promise<void> {
  expect(await client.publish(own)).toBe('acknowledged')
}

const serialShownTo = (client: RawClient): string | undefined =>
  (client.socket.getPeerX509Certificate() as X509Certificate | undefined)?.serialNumber

describe('the broker’s own certificate', () => {
  const renewed = async () => {
    const issuing = await authority('issuing')
    const subject = [['CN', 'localhost']] as const
    const leaf = issueLeaf(issuing, { profile: 'server', subject, sans: { dns: ['localhost'] }, ...span() })
    return { cert: leaf.pem + issuing.pem, key: leaf.keyPem, serial: new X509Certificate(leaf.pem).serialNumber }
  }

  test('is shown to new connections; those that are up go on', async () => {
    const before = await login(await plant.as('pump-7'))
    const next = await renewed()
    await Promise.all([put('server.pem', next.cert), put('server.key', next.key)])
    await plant.listener.reloadTls()
    await plant.event(event => event.event === 'certificate-loaded')
    const after = await RawClient.open(plant.port, await plant.as('pump-8'))
    expect(serialShownTo(after)).toBe(next.serial)
    expect(serialShownTo(before)).not.toBe(next.serial)
    await isWell(before)
  })

  test('that does not fit its key is told and left out', async () => {
    const { cert } = await renewed()
    await put('server.pem', cert)
    await plant.listener.reloadTls()
    expect(plant.events.at(-1)).toMatchObject({ event: 'alarm', problem: { code: 'config/key-mismatch' } })
    await isWell(await login(await plant.as('pump-7')))
  })

  test('that has not changed is not told', async () => {
    const count = plant.events.length
    await plant.listener.reloadTls()
    expect(plant.events).toHaveLength(count)
  })
})

describe('the CAs of an issuer (1.1)', () => {
  /** A second issuing CA of the same root, a device of it, and its CRL. */
  const successor = async () => {
    const root = await authority('root')
    const now = () => new Date()
    const issuing = createIssuing(root, { subject: [['CN', 'acme issuing next']], now, validDays: 1 })
    const subject = [
      ['OU', 's1'],
      ['CN', 'pump-7'],
    ] as const
    const leaf = issueLeaf(issuing, { profile: 'device', subject, ...span() })
    const crl = signCrl(issuing, {
      number: Date.now(),
      thisUpdate: now(),
      nextUpdate: new Date(Date.now() + hourMs),
      revoked: [],
    })
    const credentials: Credentials = { key: leaf.keyPem, cert: leaf.pem + issuing.pem, ca: await text('ca.pem') }
    return { issuing, credentials, crl: crl.pem }
  }

  test('a new CA replaces the old: its devices come in, those of the old are out, live ones too', async () => {
    const before = await login(await plant.as('pump-7'))
    const next = await successor()
    const early = await RawClient.connect(plant.port, next.credentials, 'pump-7')
    expect(early.code).toBe('closed')
    await Promise.all([put('issuing.pem', next.issuing.pem), put('acme.crl', next.crl)])
    await plant.gate.reloadTrust()
    await before.closed
    expect(plant.events).toContainEqual({ event: 'issuers-loaded', issuers: 1, certificates: 2 })
    expect((await RawClient.connect(plant.port, await plant.as('pump-7'), 'pump-7')).code).toBe('closed')
    await isWell(await login(next.credentials))
  })

  test('a CA whose CRL is not there yet is not taken over; what is in force stays whole', async () => {
    const before = await login(await plant.as('pump-7'))
    const next = await successor()
    await put('issuing.pem', next.issuing.pem)
    await plant.gate.reloadTrust()
    const codes = plant.events.flatMap(event => (event.event === 'alarm' ? [event.problem.code] : []))
    expect(codes).toContain('config/no-good-crl')
    await isWell(before)
    expect((await RawClient.connect(plant.port, next.credentials, 'pump-7')).code).toBe('closed')
    // and then the CRL comes
    await put('acme.crl', next.crl)
    await plant.gate.reloadTrust()
    await before.closed
    await isWell(await login(next.credentials))
  })

  test.each([
    ['no certificate at all', 'half a fi', 'config/bad-certificate'],
    ['a CA that does not chain to the root', undefined, 'config/not-chained'],
  ])('%s is told and left out', async (_what, content, code) => {
    await put('issuing.pem', content ?? (await text('foreign-root.pem')))
    await plant.gate.reloadTrust()
    const alarms = plant.events.flatMap(event => (event.event === 'alarm' ? [event.problem.code] : []))
    expect(alarms).toContain(code)
    await isWell(await login(await plant.as('pump-7')))
  })
})

test('a file that changes is noticed', async () => {
  await plant.close()
  plant = await startPlant({ watch: true })
  const root = await authority('root')
  const issuing = createIssuing(root, { subject: [['CN', 'next']], now: () => new Date(), validDays: 1 })
  await put('issuing.pem', issuing.pem)
  await plant.event(event => event.event === 'alarm' && event.problem.code === 'config/no-good-crl')
})
