/** `serve` says what a saved change means, as it is shipped: a real broker, a real folder, the comparison in its own thread. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const main = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-change-'))
  await cp(new URL('../../policies', import.meta.url), join(folder, 'policies'), { recursive: true })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface LogLine {
  readonly event: string
  readonly revision?: string
  readonly before?: string
  readonly changes?: readonly string[]
}

test('a right that is added and taken away again, and a change that means nothing', async () => {
  const child = spawn(process.execPath, [main, 'serve', '--port', '0', '--host', '127.0.0.1'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  const log = createInterface({ input: child.stderr })[Symbol.asyncIterator]()
  /** The next line of that event; what comes in between is passed over. */
  const next = async (event: string): Promise<LogLine> => {
    for (;;) {
      const { value, done } = await log.next()
      if (done === true) throw new Error(`the broker ended before ${event}`)
      const line = JSON.parse(value) as LogLine
      if (line.event === event) return line
    }
  }
  await once(createInterface({ input: child.stdout }), 'line')
  const file = join(folder, 'policies', 'plant.yaml')
  const before = await readFile(file, 'utf8')
  const rule = '      - publish: plant/${site}/${device}/telemetry/#\n'
  expect(before).toContain(rule)

  await writeFile(file, before.replace(rule, `      - publish: plant/\${site}/\${device}/health\n${rule}`))
  const loaded = await next('policy-loaded')
  const gained = await next('policy-changed')
  expect(gained.revision).toBe(loaded.revision)
  expect(gained.changes).toEqual(['+ every device gains publish plant/${site}/${device}/health'])

  await writeFile(file, `${before}# nothing but a remark\n`)
  const lost = await next('policy-changed')
  expect(lost.before).toBe(gained.revision)
  expect(lost.changes).toEqual(['- every device loses publish plant/${site}/${device}/health'])

  await writeFile(file, `${before}# nothing but another remark\n`)
  expect((await next('policy-changed')).changes).toEqual(['nobody gains or loses anything'])

  child.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
})
