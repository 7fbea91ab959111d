/** docs/authority.md as it stands: an authority through the years, and gates that follow it. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { IssuersConfig } from '../../src/accept/load-issuers.ts'
import { openCaLedger, readCa } from '../../src/provision/ca-folder.ts'
import { loadConfiguration } from '../../src/tool/configuration.ts'
import { type RunningBroker, startGuarded } from '../../src/tool/start-guarded.ts'
import type { TraceEvent } from '../../src/trace.ts'
import { RawClient } from '../support/raw-client.ts'
import { openTour, type Tour } from '../support/tour.ts'

let tour: Tour
let broker: RunningBroker | undefined
const events: TraceEvent[] = []
const waiting: { readonly isIt: (event: TraceEvent) => boolean; readonly resolve: () => void }[] = []

beforeAll(() => {
  tour = openTour('docs/authority.md')
})
afterAll(async () => {
  await broker?.close()
  tour.close()
})

/** Resolves when the gate says so; ask before it can. */
const told = (isIt: (event: TraceEvent) => boolean): Promise<void> =>
  new Promise(resolve => waiting.push({ isIt, resolve }))

function trace(event: TraceEvent): void {
  events.push(event)
  for (const { isIt, resolve } of waiting) if (isIt(event)) resolve()
}

/** The block that a command printed, pasted into a configuration, and a gate that starts with it. */
async function restart(printed: string): Promise<number> {
  await broker?.close()
  writeFileSync(join(tour.folder, 'portcullis.config.yaml'), /^issuers:\n(?: +.*\n)+/m.exec(printed)?.[0] ?? '')
  const { issuers = {}, baseFolder } = await loadConfiguration(undefined, tour.folder)
  const [certFile, keyFile] = [join(tour.folder, 'broker.pem'), join(tour.folder, 'broker.key')]
  broker = await startGuarded(
    { policies: join(tour.folder, 'policies'), baseFolder, issuers: issuers as IssuersConfig, trace },
    { port: 0, host: '127.0.0.1', tls: { certFile, keyFile } },
  )
  return broker.address.port
}

const connect = (port: number, name: string): ReturnType<typeof RawClient.connect> =>
  RawClient.connect(port, tour.credentials(name), name)

const lastProblem = (): string | undefined =>
  events
    .flatMap(event =>
      event.event === 'handshake-refused' || event.event === 'connect-refused' ? [event.problem.code] : [],
    )
    .at(-1)

test('an authority is kept for years, its gates follow, and its devices hardly notice', {
  timeout: 300_000,
}, async () => {
  const [
    create = '',
    timer = '',
    renew = '',
    request = '',
    sign = '',
    install = '',
    rotate = '',
    move = '',
    retire = '',
    ...more
  ] = tour.blocks
  expect(more).toEqual([])
  const strict = (issuing: string, name: string): Promise<string> =>
    tour.run(`openssl verify -x509_strict -purpose sslclient -CAfile ca/root.pem -untrusted ${issuing} ${name}`)
  let port = await restart(await tour.run(create))
  await strict('ca/issuing.pem', 'pump-12.pem pump-13.pem')
  const first = await connect(port, 'pump-12')
  const other = await connect(port, 'pump-13')
  expect([first.code, other.code]).toEqual([0, 0])

  // renewed under the running gate, at hand and over the stick: nobody is disconnected, and new certificates connect
  for (const steps of [[renew], [request, sign, install]]) {
    const loaded = told(({ event }) => event === 'issuers-loaded')
    for (const step of steps) await tour.run(step)
    await loaded
    await strict('ca/issuing.pem', 'pump-12.pem pump-13.pem')
  }
  expect(events.filter(({ event }) => event === 'issuers-loaded')).toHaveLength(2)
  expect((await connect(port, 'pump-12')).code).toBe(0)
  expect(other.client.socket.destroyed).toBe(false)

  // the timer writes what the ledger has revoked without a list, and the gate acts on it
  const running = tour.stay(timer)
  const lines: string[] = []
  const written = createInterface({ input: running.stderr as NodeJS.ReadableStream })
  await new Promise<void>(resolve => written.on('line', line => resolve(void lines.push(line))))
  await tour.run('mkdir old && portcullis device issue pump-14 --set site=s1 --out old --passphrase-file secret.txt')
  const victim = await RawClient.connect(port, tour.credentials('old/pump-14'), 'pump-14')
  expect(victim.code).toBe(0)
  const ledger = openCaLedger(await readCa(join(tour.folder, 'ca')), { now: () => new Date(), by: 'killed@test' })
  ledger.revoke(ledger.ofName('pump-14'), 'keyCompromise')
  ledger.close()
  await victim.client.closed
  running.kill('SIGTERM')
  expect(await once(running, 'close')).toEqual([0, null])
  expect(lines).toEqual([
    expect.stringMatching(/^\S+Z wrote ca\/acme\.crl: number 2, 0 certificates, the next by /),
    expect.stringMatching(/^\S+Z wrote ca\/acme\.crl: number 3, 1 certificate, the next by /),
  ])

  // rotated: the gate refuses what it does not know yet, and takes both after the paste
  const plan = await tour.run(rotate)
  expect(plan).toContain('2 certificates of devices and 1 of brokers until')
  await tour.run('portcullis device issue pump-15 --set site=s1 --passphrase-file secret.txt')
  expect((await connect(port, 'pump-15')).code).not.toBe(0)
  expect(lastProblem()).toBe('accept/unknown-issuer')
  port = await restart(plan)
  for (const name of ['pump-12', 'pump-13', 'pump-15']) expect((await connect(port, name)).code).toBe(0)
  await strict('ca/issuing-2.pem', 'pump-15.pem')

  // the devices move, the old one goes
  expect((await tour.shell('portcullis ca rotate --retire')).exit).toBe(2)
  const old = tour.credentials('pump-12')
  const live = await connect(port, 'pump-12')
  expect(await tour.run(move)).toContain('pump-13  issued')
  await live.client.closed
  expect((await RawClient.connect(port, old, 'pump-12')).code).not.toBe(0)
  expect(lastProblem()).toBe('accept/revoked')
  expect((await connect(port, 'pump-12')).code).toBe(0)
  await strict('ca/issuing-2.pem', 'pump-12.pem pump-13.pem')
  await tour.run(
    'openssl verify -x509_strict -purpose sslserver -CAfile ca/root.pem -untrusted tls/broker.pem tls/broker.pem',
  )
  expect(await tour.run('portcullis device list --older-ca --servers')).toBe('')
  const retired = await tour.run(retire)
  expect(retired).toContain('retired  1 issuing CA')
  port = await restart(retired)
  for (const name of ['pump-12', 'pump-13', 'pump-15']) expect((await connect(port, name)).code).toBe(0)
})
