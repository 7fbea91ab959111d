/** docs/bundles.md as it stands: a key, a bundle, a gate that serves it, and a newer bundle that comes into force while it runs. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, expect, test } from 'vitest'
import { loadConfiguration } from '../../src/tool/configuration.ts'
import { root } from '../support/files.ts'
import { openTour } from '../support/tour.ts'

const { folder, blocks, shell, run, text, close } = openTour('docs/bundles.md')
let broker: ChildProcess | undefined
afterEach(async () => {
  if (broker === undefined || broker.exitCode !== null || broker.signalCode !== null) return
  const exited = once(broker, 'exit')
  broker.kill('SIGTERM')
  await exited
})
afterAll(close)

/** Starts what the block says; ends when its first lines are out. */
async function start(script: string): Promise<{ lines: readonly string[]; log: AsyncIterator<string> }> {
  // `exec`, so that the signal reaches the command and not a shell
  broker = spawn('sh', ['-c', `PATH="$PWD:$PATH"; exec ${script}`], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  if (!broker.stdout || !broker.stderr) throw new Error('no pipes')
  const log = createInterface({ input: broker.stderr })[Symbol.asyncIterator]()
  const lines: string[] = []
  for await (const line of createInterface({ input: broker.stdout })) if (lines.push(line) === 6) break
  return { lines, log }
}

/** The next line of the log with that text. */
async function logged(log: AsyncIterator<string>, wanted: string): Promise<string> {
  for (;;) {
    const { value, done } = await log.next()
    if (done) throw new Error(`the log ended without ${wanted}`)
    if (value.includes(wanted)) return value
  }
}

test('from nothing to a gate that takes a newer bundle and refuses an older one', { timeout: 300_000 }, async () => {
  const [newKey, sign, serve, renew, ...more] = blocks
  expect(more).toEqual([])
  await run(newKey)
  expect(statSync(`${folder}/bundle.pem`).mode & 0o777).toBe(0o600)
  expect(await run(sign)).toContain('version      41\n')
  await run('cp policies.bundle old.bundle')

  const { lines, log } = await start(serve ?? '')
  expect(lines[1]).toMatch(
    /^policy {3}policies\.bundle, version 41, 3 files, .* a newer bundle is taken when it is there$/,
  )
  await logged(log, 'no bundle of this key was seen here before')

  await run("sed -i 's/telemetry/measurements/g' policies/*.yaml")
  await run(renew)
  expect(JSON.parse(await logged(log, 'policy-loaded'))).toMatchObject({ version: 42 })
  await run('cp old.bundle again.bundle; mv again.bundle policies.bundle')
  expect(await logged(log, 'policy-refused')).toContain('source/bundle-rollback')
  expect(Object.values(JSON.parse(text('seen.json')).keys)).toMatchObject([{ version: 42 }])

  // after a restart too
  const exited = once(broker as ChildProcess, 'exit')
  broker?.kill('SIGKILL')
  await exited
  const again = await shell(serve ?? '')
  expect([again.exit, again.stdout]).toEqual([3, ''])
  expect(again.stderr).toContain('source/bundle-rollback: the bundle has version 41, and 42 was taken before')
})

test('the configuration that the page shows is one that serve takes', async () => {
  const page = readFileSync(new URL('docs/bundles.md', root), 'utf8')
  const shown = /^policies: \{.*\}$/m.exec(page)?.[0]
  const file = join(folder, 'page.yaml')
  writeFileSync(file, `issuers: { acme: { certificates: [issuing.pem], root: root.pem } }\n${shown}\n`)
  expect((await loadConfiguration(file, folder)).bundle).toEqual({
    bundle: join(folder, 'policies.bundle'),
    key: join(folder, 'bundle.pub.pem'),
    state: '/var/lib/portcullis/seen.json',
  })
})
