/** `try` as it is shipped, against a guarded broker of this process. */
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Plant, startPlant } from '../support/plant.ts'

const main = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))
const own = 'plant/s1/pump-7/telemetry/temp'

describe('try', () => {
  let plant: Plant
  beforeAll(async () => {
    plant = await startPlant()
  })
  afterAll(() => plant.close())

  /** Starts `try`; `onSaid` sees each line of stderr as it comes. */
  function attempt(
    args: readonly string[],
    port: number = plant.port,
    onSaid: (line: string) => void = () => undefined,
  ) {
    const options = ['--port', String(port), '--certs', join(plant.folder, 'certs-dev'), '--policies', plant.policies]
    const child = spawn(process.execPath, [main, 'try', ...args, ...options], { stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', text => {
      stdout += text
    })
    createInterface({ input: child.stderr }).on('line', line => {
      stderr += `${line}\n`
      onSaid(line)
    })
    return new Promise<{ stdout: string; stderr: string; exit: number | null }>(resolve => {
      child.once('close', exit => resolve({ stdout, stderr, exit }))
    })
  }

  test('says that the broker acknowledged what the policy permits', async () => {
    expect(await attempt(['--as', 'pump-7', 'publish', own, '21.5'])).toEqual({
      stdout: `permitted: the broker acknowledged ${own} (QoS 1)\n`,
      stderr: '',
      exit: 0,
    })
  })

  test.each(['0', '1'])('says why a publish at QoS %s was refused, and how to ask again', async qos => {
    const topic = 'plant/s1/pump-8/telemetry/temp'
    const { stdout, stderr, exit } = await attempt(['--as', 'pump-7', '--qos', qos, 'publish', topic, '0'])
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^refused: no rule allows to publish `plant\/s1\/pump-8\/telemetry\/temp`/)
    expect(stderr).toMatch(/plant\.yaml:\d+/)
    expect(stderr).toContain('npx portcullis policy explain ')
    expect(exit).toBe(2)
  })

  test.each([
    ['a foreign client id', ['--as', 'pump-7', '--client-id', 'pump-8', 'publish', own, '0'], 'CONNACK 2'],
    ['a revoked certificate', ['--as', 'pump-5', 'publish', 'plant/s1/pump-5/telemetry/temp', '0'], 'CONNACK 5'],
    ['a foreign CA', ['--as', 'intruder', 'publish', own, '0'], 'refused:'],
    ['a filter that is too wide', ['--as', 'pump-7', '--wait', '1', 'subscribe', 'plant/#'], 'SUBACK 0x80'],
  ])('exits with 2 for %s', async (_what, args, said) => {
    const { stdout, stderr, exit } = await attempt(args)
    expect(stdout).toBe('')
    expect(stderr).toContain(said)
    expect(exit).toBe(2)
  })

  test('prints the messages that arrive, with nothing in them that could drive a terminal', async () => {
    const published: Promise<unknown>[] = []
    const { stdout, exit } = await attempt(
      ['--as', 'ops-1', '--count', '1', 'subscribe', 'plant/s1/#'],
      plant.port,
      () => {
        published.push(attempt(['--as', 'pump-7', 'publish', own, '21\u001b[31m.5']))
      },
    )
    expect(stdout).toBe(`${own} 21\\u001b[31m.5\n`)
    expect(exit).toBe(0)
    await Promise.all(published)
  })

  test('says what to start where there is no broker', async () => {
    const { stderr, exit } = await attempt(['--as', 'pump-7', 'publish', own, '1'], 1)
    expect(stderr).toContain('no broker at localhost:1: start one with `npm start`')
    expect(exit).toBe(1)
  })

  test('exits with 3 for a certificate that is not there or is none', async () => {
    expect((await attempt(['--as', 'pump-70', 'publish', own])).exit).toBe(3)
    const file = join(plant.folder, 'empty.pem')
    await writeFile(file, 'nothing')
    expect((await attempt(['--as', file, 'publish', own])).exit).toBe(3)
  })
})
