/** A machine whose clock was set back, by real TLS: the fleet is not locked out, and nothing else gets in (4.5). */
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TimeMemory } from '../../../src/accept/newest-time.ts'
import { openAuthority } from '../../../src/provision/authority.ts'
import { ensureDevCerts } from '../../../src/provision/dev-certs.ts'
import { createKeys, toPem } from '../../../src/provision/keys.ts'
import type { RunningBroker } from '../../../src/tool/start-guarded.ts'
import type { TraceEvent } from '../../../src/trace.ts'
import { root } from '../../support/files.ts'
import { oddCertificate, plainName } from '../../support/pki.ts'
import { type Credentials, RawClient } from '../../support/raw-client.ts'
import { startSample } from '../../support/start-sample.ts'

const hourMs = 3_600_000
/** The clock of this machine is two hours behind that of the CA. */
const timeOfCa = Date.now() + 2 * hourMs

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-clock-'))
  await ensureDevCerts(join(folder, 'certs-dev'), () => new Date(timeOfCa))
  await cp(new URL('policies', root), join(folder, 'policies'), { recursive: true })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const pem = (name: string): Promise<string> => readFile(join(folder, 'certs-dev', name), 'utf8')

function start(timeMemory: TimeMemory, events: TraceEvent[] = []): Promise<RunningBroker> {
  const trace = (event: TraceEvent): void => void events.push(event)
  return startSample({ certs: join(folder, 'certs-dev'), policies: join(folder, 'policies'), trace, timeMemory })
}

const remembering = (ms: number): TimeMemory => ({ read: async () => ms, write: async () => undefined })

/** The CONNACK code, or `closed`. The device does not look at the broker's certificate: its own clock is right. */
async function login({ address }: RunningBroker, credentials: Credentials, clientId: string) {
  const client = await RawClient.open(address.port, credentials, { rejectUnauthorized: false })
  const code = await client.login(clientId)
  client.socket.destroy()
  return code
}

async function credentialsOf(name: string): Promise<Credentials> {
  return { key: await pem(`${name}.key`), cert: await pem(`${name}.pem`), ca: await pem('ca.pem') }
}

test('who is valid at the time that the CRL tells gets in; a foreign and a revoked one, and one of tomorrow do not', async () => {
  const events: TraceEvent[] = []
  const broker = await start(remembering(timeOfCa), events)
  expect(broker.gate.revocations.clockProblem()).toMatchObject({ code: 'accept/clock-set-back' })
  expect(await login(broker, await credentialsOf('pump-7'), 'pump-7')).toBe(0)
  for (const name of ['intruder', 'pump-5']) expect(await login(broker, await credentialsOf(name), name)).not.toBe(0)

  const issuing = openAuthority(await pem('issuing.pem'), await pem('issuing.key'))
  const keys = createKeys()
  const [notBefore, notAfter] = [new Date(timeOfCa + hourMs), new Date(timeOfCa + 9 * hourMs)]
  const leaf = oddCertificate({ subject: plainName('pump-8'), keys, by: issuing, notBefore, notAfter })
  const key = String(keys.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const cert = toPem('CERTIFICATE', leaf) + issuing.pem
  expect(await login(broker, { key, cert, ca: await pem('ca.pem') }, 'pump-8')).not.toBe(0)
  const codes = events.flatMap(event => ('problem' in event ? [event.problem?.code] : []))
  expect(codes).toEqual(
    expect.arrayContaining(['accept/unknown-issuer', 'accept/revoked', 'authenticate/not-yet-valid']),
  )
  await broker.close()
})

test('a start that remembers nothing does not take certificates of the future', async () => {
  await expect(start(remembering(0))).rejects.toThrow('config/ca-expired')
})
