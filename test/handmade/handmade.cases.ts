/**
 * `npm run test:handmade`: every case of the conformance suite that shows a weakness must fail on a broker with ordinary
 * hand-written hooks. One that passes there proves nothing, and fails this run.
 */
import { appendFileSync } from 'node:fs'
import { afterAll, describe, test } from 'vitest'
import { type AdapterCase, adapterCases, type RunningBroker } from '../suites/adapter.ts'
import { handmadeAedes } from '../support/suite-handmade.ts'

/** Longest wait for something that never comes there. */
const patienceMs = 4000

/** How the case fails; undefined where it passes. */
async function failureOf(one: AdapterCase, broker: RunningBroker): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<string>(resolve => {
    timer = setTimeout(resolve, patienceMs, `nothing came for ${patienceMs / 1000} s`)
  })
  const failure = await Promise.race([
    one.run(broker).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? (error.message.split('\n')[0] as string) : String(error)),
    ),
    broker.crashed.then(() => 'the broker process ended'),
    patience,
  ])
  clearTimeout(timer)
  return failure
}

const cases = adapterCases.filter(one => one.weaknesses !== undefined)
const rows: string[] = []

describe('every case that shows a weakness fails on the hand-made broker', () => {
  for (const one of cases) {
    test.concurrent(one.name, { timeout: 30_000 }, async () => {
      const broker = await handmadeAedes.start(one.start)
      try {
        const failure = await failureOf(one, broker)
        rows.push(`${(one.weaknesses ?? []).join(', ').padEnd(8)} ${one.name.padEnd(90)} ${failure ?? 'PASSES'}`)
        if (failure === undefined) throw new Error('it passes on a broker without a guard: it proves nothing')
      } finally {
        await broker.close()
      }
    })
  }

  afterAll(() => {
    const table = [
      `${'item     case'.padEnd(100)}how it fails there`,
      ...rows.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)),
    ]
    process.stdout.write(`${table.join('\n')}\n`)
    if (process.env.HANDMADE_LOG !== undefined) appendFileSync(process.env.HANDMADE_LOG, `${table.join('\n')}\n`)
  })
})
