/** deploy/Containerfile: what it copies is there, what it runs is not root, and its health check tells the truth. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from '../support/files.ts'
import { type Served, startServed } from '../support/served.ts'

const text = readFileSync(new URL('deploy/Containerfile', root), 'utf8')
/** Instructions with what they say, continued lines joined. */
const instructions = text
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter(line => line.trim() !== '')
  .map(line => /^(?<name>[A-Z]+) (?<rest>.*)$/.exec(line)?.groups as { name: string; rest: string })
const all = (name: string): readonly string[] => instructions.filter(one => one.name === name).map(({ rest }) => rest)

test('is built on Node 20, slim, and runs production dependencies only, none of their scripts', () => {
  expect(all('FROM').map(rest => rest.split(' ')[0])).toEqual(Array(2).fill('docker.io/library/node:20-slim'))
  const last = instructions.findLastIndex(({ name }) => name === 'FROM')
  const installs = instructions.slice(last).filter(({ rest }) => rest.includes('npm ci'))
  expect(installs).toHaveLength(1)
  expect(installs[0]?.rest).toContain('npm ci --omit=dev --ignore-scripts')
})

test('copies what is there, and never the whole folder', () => {
  const sources = all('COPY')
    .filter(rest => !rest.startsWith('--from='))
    .flatMap(rest => rest.split(' ').slice(0, -1))
  expect(sources.filter(source => !existsSync(new URL(source, root)))).toEqual([])
  expect(sources).not.toContain('.')
})

test('runs as a user with a number that is not root', () => {
  expect(all('USER')).toHaveLength(1)
  expect(all('USER')[0]).toMatch(/^[1-9]\d*:[1-9]\d*$/)
})

describe('what outlives the broker', () => {
  let served: Served
  beforeAll(async () => {
    served = await startServed(undefined, folder => ({ STATE_DIRECTORY: join(folder, 'state') }))
  })
  afterAll(() => served.close())

  test("is in the one folder that can be written, which is the user's, and a volume", () => {
    const [folder] = all('VOLUME')
    expect(all('ENV')).toContain(`STATE_DIRECTORY=${folder}`)
    const [user = ''] = all('USER')
    const [uid, gid] = user.split(':')
    expect(all('RUN').join('\n')).toContain(`install -d -o ${uid} -g ${gid} -m 0700 ${folder}`)
    expect(existsSync(join(served.folder, 'state', 'store'))).toBe(true)
    expect(existsSync(join(served.folder, 'portcullis-store'))).toBe(false)
  })
})

describe('the health check', () => {
  let served: Served
  beforeAll(async () => {
    served = await startServed()
  })
  afterAll(() => served.close())

  const check = async (base: string): Promise<unknown> => {
    const command = /CMD (\[.*\])$/.exec(all('HEALTHCHECK')[0] ?? '')?.[1] ?? '[]'
    const [name, ...args] = JSON.parse(command) as string[]
    expect(name).toBe('node')
    const child = spawn(
      process.execPath,
      args.map(arg => arg.replace('http://127.0.0.1:9464', base)),
    )
    return (await once(child, 'exit'))[0]
  }

  test('is 0 while the broker answers, and 1 once it does not', async () => {
    expect(await check(served.operate)).toBe(0)
    served.child.kill('SIGTERM')
    await served.ended
    expect(await check(served.operate)).toBe(1)
  })
})
