/** The newest time that a CRL has told lasts, and a memory that fails locks nobody out (4.5). */
import { expect, test } from 'vitest'
import { NewestTime, type TimeMemory } from '../../src/accept/newest-time.ts'
import { openTrust } from '../../src/accept/trust.ts'
import type { TraceEvent } from '../../src/trace.ts'
import { dayMs, hourMs, MemoryFiles, makeCrl, makeIssuing, makeRoot, start } from '../support/authorities.ts'

class Kept implements TimeMemory {
  ms = 0
  async read(): Promise<number> {
    return this.ms
  }
  async write(ms: number): Promise<void> {
    this.ms = ms
  }
}

const root = makeRoot()
const issuing = makeIssuing(root)

async function revocationsAt(now: number, thisUpdate: number, timeMemory: TimeMemory) {
  const files = new MemoryFiles().set('root.pem', root.pem).set('issuing.pem', issuing.pem)
  files.set('acme.crl', makeCrl(issuing, { number: 5, thisUpdate }).pem)
  const io = { readFile: files.readFile, now: () => now }
  const acme = { certificates: ['issuing.pem'], root: 'root.pem', crl: ['acme.crl'] }
  const events: TraceEvent[] = []
  const { revocations } = await openTrust({ acme }, '/pki', { ...io, timeMemory, trace: e => void events.push(e) })
  return { revocations, events }
}

test('a later start, with an older CRL and the clock set back, judges at the time that was seen before', async () => {
  const memory = new Kept()
  const seen = start + 3 * dayMs
  await revocationsAt(seen + hourMs, seen, memory)
  expect(memory.ms).toBe(seen)
  const { revocations } = await revocationsAt(start + hourMs, start, memory)
  expect(revocations.judgedTime(start + hourMs)).toBe(seen)
  expect(revocations.clockProblem()).toMatchObject({ code: 'accept/clock-set-back' })
  expect(memory.ms).toBe(seen)
})

test('without a memory a start knows of its own CRLs only', async () => {
  const { revocations } = await revocationsAt(start + hourMs, start, new Kept())
  expect(revocations.judgedTime(start)).toBe(start)
  expect(revocations.clockProblem()).toBeUndefined()
})

test.each([
  ['gives no number', async () => Number.NaN],
  ['gives a negative one', async () => -1],
  ['cannot be read', () => Promise.reject(Object.assign(new Error('disk'), { code: 'EIO' }))],
])('a memory that %s is told, and the CRLs count', async (_, read) => {
  const memory: TimeMemory = { read, write: () => Promise.resolve() }
  const { revocations, events } = await revocationsAt(start + hourMs, start, memory)
  expect(events).toContainEqual(
    expect.objectContaining({ event: 'alarm', problem: expect.objectContaining({ code: 'accept/time-not-kept' }) }),
  )
  expect(revocations.judgedTime(0)).toBe(start)
})

test('a time that cannot be written is told, and written with the next', async () => {
  let isFull = true
  const kept: number[] = []
  const newest = new NewestTime({
    read: async () => 0,
    write: async ms => {
      if (isFull) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
      kept.push(ms)
    },
  })
  newest.saw(7)
  expect(await newest.keep()).toMatchObject({
    code: 'accept/time-not-kept',
    sentence: expect.stringContaining('ENOSPC'),
  })
  isFull = false
  expect(await newest.keep()).toBeUndefined()
  expect(await newest.keep()).toBeUndefined()
  expect(kept).toEqual([7])
})
