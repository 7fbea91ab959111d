/** Logs of any size and number: read side by side, in order of time, in bounded memory. */
import { once } from 'node:events'
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LogFacts } from '../../../src/prove/audit/log-facts.ts'
import { gatherLog } from '../../../src/tool/audit/gather-log.ts'
import { run } from '../../cli/script.ts'
import { codeOf } from '../../support/ca-workbench.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-audit-log-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const fingerprint = (index: number): string => index.toString(16).padStart(64, '0')
const line = (second: number, event: string, more: Readonly<Record<string, unknown>> = {}): string =>
  `${JSON.stringify({ level: 'info', time: new Date(second * 1000).toISOString(), event, ...more })}\n`
const peer = (address: string, clientId: string) => ({
  ...{ device: 'device:device=a', fingerprint: fingerprint(1), address, clientId },
})

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

test('two nodes see what neither of them sees alone, whichever is named first', async () => {
  const one = file(
    'one.log',
    line(0, 'connected', peer('192.0.2.1', 'a')) + line(90, 'disconnected', peer('192.0.2.1', 'a')),
  )
  const two = file(
    'two.log',
    line(30, 'connected', peer('192.0.2.2', 'b')) + line(60, 'disconnected', peer('192.0.2.2', 'b')),
  )
  for (const paths of [
    [one, two],
    [two, one],
  ]) {
    const { facts } = await gatherLog(paths, undefined)
    const { atOnce } = facts.certificates.get(fingerprint(1))?.addresses ?? {}
    expect(atOnce).toEqual({ addresses: ['192.0.2.1', '192.0.2.2'], from: 30_000, to: 60_000 })
  }
  const { facts } = await gatherLog([one], undefined)
  expect(facts.certificates.get(fingerprint(1))?.addresses.atOnce).toBeUndefined()
})

test('lines of another kind are counted; a file of nothing else, or with nothing at all, is refused', async () => {
  const mixed = file('mixed.log', `${line(0, 'policy-loaded')}not json\n\n{"event":"connected"}\n`)
  const { facts, broken } = await gatherLog([mixed], undefined)
  expect([facts.events, broken]).toEqual([1, [{ file: mixed, count: 2 }]])
  expect(await codeOf(() => gatherLog([mixed, file('other.log', 'not json\n')], undefined))).toBe('tool/not-a-log')
  expect(await codeOf(() => gatherLog([file('empty.log', '')], undefined))).toBe('tool/not-a-log')
  expect(await codeOf(() => gatherLog([join(folder, 'nowhere.log')], undefined))).toBe('config/unreadable-file')
})

/** Every line another certificate, another address and another identity. */
async function writeStrangers(path: string, lines: number): Promise<void> {
  const stream = createWriteStream(path)
  for (let index = 0; index < lines; index++) {
    const who = {
      device: `device:device=stranger-${index}-${'x'.repeat(100)}`,
      address: `2001:db8::${index.toString(16)}`,
    }
    const text = line(index, index % 2 === 0 ? 'connected' : 'refused', {
      ...{ ...who, fingerprint: fingerprint(index), clientId: `stranger-${index}` },
      ...{ action: 'publish', topic: `t/${'y'.repeat(200)}`, revision: '0' },
    })
    if (!stream.write(text)) await once(stream, 'drain')
  }
  stream.end()
  await once(stream, 'finish')
}

test('200,000 lines of strangers are held up to the limits, and the rest is counted', {
  timeout: 120_000,
}, async () => {
  const path = join(folder, 'strangers.log')
  await writeStrangers(path, 200_000)
  const { facts } = await gatherLog(
    [path],
    undefined,
    new LogFacts({ certificates: 1_000, refused: 500, connections: 4, allConnections: 900, characters: 512 }),
  )
  expect(facts.events).toBe(200_000)
  expect([facts.certificates.size, facts.refused.size]).toEqual([1_000, 500])
  expect(facts.unheld).toEqual({ certificates: 199_000, refusals: 99_500, values: 0 })
  // all of them within the limits of the command, in a heap that has no room for the lines and what is in them
  const { stdout, exit } = await run(`NODE_OPTIONS=--max-old-space-size=256 portcullis audit --log ${path}`, folder)
  expect([exit, stdout]).toEqual([0, expect.stringContaining('log: 200000 events')])
})
