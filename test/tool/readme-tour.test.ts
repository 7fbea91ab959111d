/** README.md, "With your own certificates", as it stands: by hand to a device that is refused, and by enrolment from an empty one. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTour, type Ran, type Tour } from '../support/tour.ts'

let tour: Tour
const services: ChildProcess[] = []
let blocks: readonly string[] = []

beforeAll(() => {
  tour = openTour('README.md')
  // `npx` would look for the package elsewhere
  const all = tour.blocks.map(block => block.replaceAll('npx portcullis', 'portcullis'))
  blocks = all.slice(all.findIndex(block => block.includes('portcullis ca create')))
})
afterAll(async () => {
  for (const service of services) {
    if (service.exitCode !== null || service.signalCode !== null) continue
    service.kill()
    await once(service, 'exit')
  }
  tour.close()
})

const linesOf = (block = ''): readonly string[] => block.replaceAll('\\\n', '').trim().split('\n')

/** Runs what a block does before its last line, which stays, on a free port; gives what it says until it is ready. */
async function stay(block: string | undefined, ready: RegExp, more: string) {
  const lines = linesOf(block)
  const last = (lines.at(-1) ?? '').replace(/ +#.*/, '')
  const script = `${lines.slice(0, -1).join('\n')}\nexec ${last} ${more}`
  const service = spawn('sh', ['-e', '-c', script], {
    cwd: tour.folder,
    env: tour.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  services.push(service)
  const out: string[] = []
  for await (const line of createInterface({ input: service.stdout })) {
    out.push(line)
    if (ready.test(line)) break
  }
  service.stdout.resume()
  return {
    port: /localhost:(\d+)/.exec(out.join('\n'))?.[1] ?? '',
    log: createInterface({ input: service.stderr }),
    out,
  }
}

test('from nothing to a device that is connected, renewed, revoked and refused; and from an empty device', {
  timeout: 300_000,
}, async () => {
  const [create, use, enrolment, device] = blocks
  const broker = await stay(create, /^guarding /, '--port 0 --host localhost')
  expect(broker.out.join('\n')).toContain('allow publish plant/s1/pump-12/telemetry/#')
  tour.env['PORTCULLIS_CA_PASSPHRASE'] = /PASSPHRASE='(.*?)'/.exec(create ?? '')?.[1]
  const log = broker.log[Symbol.asyncIterator]()
  /** Until the broker knows of so many certificates that it must not take. */
  const untilRevoked = async (entries: number): Promise<void> => {
    for (;;) {
      const { value, done } = await log.next()
      if (done === true) throw new Error('the broker has ended')
      // before the broker, the commands of the block have said what they did
      if (!value.startsWith('{')) continue
      const { event, entries: known } = JSON.parse(value) as { event: string; entries?: number }
      if (event === 'revocations-loaded' && known === entries) return
    }
  }
  const run = (line = 'false'): Promise<Ran> =>
    tour.shell(line.replace(' publish ', ` --port ${broker.port} publish `).replace(/ +#.*/, ''))
  const ok = async (line: string | undefined): Promise<string> => {
    const { exit, stdout, stderr } = await run(line)
    expect(`${line}: ${exit} ${exit === 0 ? '' : stderr}`).toBe(`${line}: 0 `)
    return stdout + stderr
  }

  const [first, renew, second, revoke, third, ...more] = linesOf(use)
  expect(more).toEqual([])
  expect(await ok(first)).toContain('permitted')
  await ok(renew)
  await untilRevoked(1)
  expect(await ok(second)).toContain('permitted')
  expect(await ok(revoke)).toMatch(/^revoked pump-12 /m)
  await untilRevoked(2)
  const refused = await run(third)
  expect([refused.exit, refused.stdout + refused.stderr]).toEqual([2, expect.stringContaining('accept/revoked')])

  const service = await stay(enrolment, /^tokens /, '--port 0')
  const [enter, ...steps] = linesOf(device)
  await ok(enter)
  expect(readdirSync(join(tour.folder, 'device')).sort()).toEqual(['pump-13.token', 'root.pem'])
  const [enrolled, published, renewed, ...rest] = steps
  expect(rest).toEqual([])
  const there = (line = ''): string => `cd device && ${line.replace(':8443', `:${service.port}`)}`
  expect(await ok(there(enrolled))).toContain('enrolled pump-13')
  expect(await ok(there(published))).toContain('permitted')
  expect(await ok(there(renewed))).toContain('renewed pump-13')
  expect(await ok(there(published))).toContain('permitted')
})
