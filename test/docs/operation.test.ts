/** docs/operation.md: its commands run against a real broker, its table of metrics is the registry's, its settings are read. */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMetrics } from '../../src/observe/metrics.ts'
import { loadConfiguration } from '../../src/tool/configuration.ts'
import { root } from '../support/files.ts'
import { scraped } from '../support/scrape.ts'
import { type Served, startServed } from '../support/served.ts'

const page = readFileSync(new URL('docs/operation.md', root), 'utf8')
const blocksOf = (language: string): readonly string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(match => match[1] ?? '')
const run = promisify(execFile)

let served: Served
beforeAll(async () => {
  served = await startServed()
})
afterAll(() => served.close())

/** A block of the page, with the port that this broker has. */
async function shell(block: string | undefined): Promise<string> {
  const script = (block ?? 'false').replaceAll('http://127.0.0.1:9464', served.operate)
  const env = { ...process.env, PID: String(served.child.pid) }
  return (await run('sh', ['-e', '-c', script], { cwd: served.folder, env })).stdout
}

test('every command does what the page says', async () => {
  const [serve, healthz, readyz, metrics, reload, ...more] = blocksOf('sh')
  expect(more).toEqual([])
  // `startServed` runs it, with the port in the configuration
  expect(serve).toBe('portcullis serve --operate-port 9464\n')
  expect(await shell(healthz)).toBe('ok\n')
  expect(await shell(readyz)).toBe('ready\n')
  const values = scraped(await shell(metrics))
  expect(values.get('portcullis_ready')).toBe(1)
  expect(values.get('portcullis_sessions_live')).toBe(0)
  await shell(reload)
  expect(await served.logged(({ event }) => event === 'reloaded')).toMatchObject({ refused: 0 })
})

test('the table has every metric, as the registry has it', () => {
  const rows = page.split('\n').filter(line => line.startsWith('| `portcullis_'))
  const cells = rows.map(row => row.split('|').map(cell => cell.trim().replaceAll('`', '')))
  const described = cells.map(([, name, type, labels, help]) => ({ name, type, labels, help }))
  const listed = createMetrics({ process: false })
    .list()
    .map(({ labels, help, ...rest }) => ({ ...rest, labels: labels.join(', '), help: help.replaceAll('`', '') }))
  expect(described).toEqual(listed)
})

test('a scrape has them all, and what Node tells of its process', async () => {
  const text = await (await fetch(`${served.operate}/metrics`)).text()
  const told = [...text.matchAll(/^# TYPE (\S+)/gm)].map(match => match[1])
  const own = createMetrics({ process: false }).list()
  expect(own.map(({ name }) => name).filter(name => !told.includes(name))).toEqual([])
  expect(told).toEqual(expect.arrayContaining(['process_cpu_seconds_total', 'nodejs_eventloop_lag_max_seconds']))
  // no path of a machine, no name of a device
  expect(text).not.toMatch(/\/tmp\/|pump-\d/)
})

test('alerts name metrics that there are', () => {
  const names = createMetrics({ process: false })
    .list()
    .map(({ name }) => name)
  const alerts = blocksOf('yaml')[1] ?? ''
  const used = [...alerts.matchAll(/portcullis_[a-z_]+/g)].map(([name]) => name.replace(/_bucket$/, ''))
  expect(used.length).toBeGreaterThan(4)
  expect(used.filter(name => !names.includes(name))).toEqual([])
})

test('the settings are read, and are the defaults as they are shown', async () => {
  const issuers = 'issuers: { acme: { certificates: [a.pem], root: b.pem } }\n'
  writeFileSync(join(served.folder, 'shown.yaml'), `${issuers}${blocksOf('yaml')[0]}`)
  writeFileSync(join(served.folder, 'bare.yaml'), issuers)
  const read = async (name: string) => (await loadConfiguration(name, served.folder)).operate
  expect(await read('shown.yaml')).toEqual({ ...(await read('bare.yaml')), port: 9464 })
})
