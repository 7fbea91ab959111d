/**
 * `npm run soak`: an honest device and an honest operator work while hostile ones do what they like. The oracle: everything
 * honest arrives, once, in order and in time; nothing else ever does; memory stays flat.
 */
import { setTimeout } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { Random } from '../fuzz/random.ts'
import { own, publishBytes } from '../suites/acts.ts'
import { RawClient } from '../support/raw-client.ts'
import { acts, isConnectionEnd } from './hostile.ts'
import { type Served, startServe } from './serve.ts'

const minutes = Number(process.env.SOAK_MINUTES ?? 60)
const endsAt = Date.now() + minutes * 60_000
const isOver = (): boolean => Date.now() >= endsAt
/** Between two honest messages. */
const paceMs = 10
/** A message that takes longer than this is late; one in a thousand may be, on a machine that does other things too. */
const lateMs = 100
const timedMinutes = 10
const worstMs = 2000
/** What memory may grow by after the first quarter. */
const growthMegabytes = 48

async function honest(
  served: Served,
): Promise<{ readonly delays: readonly number[]; readonly strange: readonly string[] }> {
  const delays: number[] = []
  const strange: string[] = []
  const { client: operator } = await RawClient.connect(served.port, await served.as('ops-1'), 'ops-1/honest')
  expect(await operator.subscribe('plant/s1/pump-7/#')).toEqual([0])
  const { client: pump } = await RawClient.connect(served.port, await served.as('pump-7'), 'pump-7')
  for (let number = 0; !isOver(); number++) {
    const sentAt = performance.now()
    pump.write(publishBytes(own, String(number)))
    const packet = await operator.next()
    if (packet === undefined) throw new Error('the honest operator was disconnected')
    const told = packet.cmd === 'publish' ? `${packet.topic} ${packet.payload}` : packet.cmd
    if (told !== `${own} ${number}`) strange.push(told)
    delays.push(performance.now() - sentAt)
    await setTimeout(paceMs)
  }
  await Promise.all([operator.close(), pump.close()])
  return { delays, strange }
}

async function hostile(served: Served, seed: number): Promise<number> {
  const random = new Random(seed)
  let played = 0
  for (; !isOver(); played++) {
    const act = acts[random.pick(Object.keys(acts))] as (typeof acts)[string]
    await act(served, random).catch((error: unknown) => {
      if (!isConnectionEnd(error)) throw error
    })
  }
  return played
}

async function watchMemory(served: Served): Promise<readonly number[]> {
  const seen: number[] = []
  while (!isOver()) {
    const megabytes = await served.memory()
    if (megabytes !== undefined) seen.push(megabytes)
    await setTimeout(1000)
  }
  return seen
}

test(`${minutes} minutes of mixed traffic`, { timeout: 0 }, async () => {
  const served = await startServe()
  onTestFinished(() => served.stop())
  const [{ delays, strange }, memory, ...played] = await Promise.all([
    honest(served),
    watchMemory(served),
    ...[1, 2, 3].map(seed => hostile(served, seed)),
  ])
  const sorted = [...delays].sort((a, b) => a - b)
  const worst = sorted.at(-1) ?? 0
  const late = delays.filter(delay => delay > lateMs).length
  const early = Math.max(...memory.slice(0, Math.ceil(memory.length / 4)))
  const final = Math.max(...memory.slice(-5))
  process.stdout.write(
    `soak: ${delays.length} honest messages, median ${(sorted[sorted.length >> 1] ?? 0).toFixed(1)} ms, worst ${worst.toFixed(0)} ms, ${late} above ${lateMs} ms; ` +
      `${played.reduce((sum, count) => sum + count, 0)} hostile acts; memory ${early.toFixed(0)} MB in the first quarter, ${final.toFixed(0)} MB at the end\n`,
  )
  expect(strange).toEqual([])
  expect(delays.length).toBeGreaterThan(100)
  // a short run on a machine that does other things tells how late it was; a long one has to be on time
  if (minutes >= timedMinutes) expect(late).toBeLessThanOrEqual(Math.ceil(delays.length / 1000))
  expect(worst).toBeLessThan(worstMs)
  if (memory.length > 0) expect(final - early).toBeLessThan(growthMegabytes)
  expect(served.isAlive()).toBe(true)
})
