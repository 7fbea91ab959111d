import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GroupCommit, type KeyValueStore, type Operation } from '../../../../src/enforce/aedes/store/group-commit.ts'
import { checkAsyncProperty } from '../../../support/property.ts'

/** A disk whose flushes end when they are told to. */
class SlowDisk implements KeyValueStore {
  readonly content = new Map<string, Buffer>()
  readonly flushes: { operations: readonly Operation[]; end: (error?: Error) => void }[] = []
  closed = false

  async get(key: string): Promise<Buffer | undefined> {
    return this.content.get(key)
  }

  batch(operations: Operation[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (error?: Error): void => {
        if (error !== undefined) {
          reject(error)
          return
        }
        for (const one of operations) {
          if (one.type === 'put') this.content.set(one.key, one.value)
          else this.content.delete(one.key)
        }
        resolve()
      }
      this.flushes.push({ operations, end })
    })
  }

  async *values({ gte, lt }: { gte: string; lt: string }): AsyncGenerator<Buffer> {
    for (const [key, value] of [...this.content].sort()) if (key >= gte && key < lt) yield value
  }

  async *keys({ gte, lt }: { gte: string; lt: string }): AsyncGenerator<string> {
    for (const key of [...this.content.keys()].sort()) if (key >= gte && key < lt) yield key
  }

  async close(): Promise<void> {
    this.closed = true
  }
}

const put = (key: string, value: string): Operation => ({ type: 'put', key, value: Buffer.from(value) })
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const all = { gte: '', lt: '~' }

describe('a group commit', () => {
  test('writes what comes during one flush in the next one, together', async () => {
    const disk = new SlowDisk()
    const commit = new GroupCommit(disk)
    const first = commit.write([put('a', '1')])
    await turn()
    const others = [commit.write([put('b', '2')]), commit.write([put('c', '3'), { type: 'del', key: 'a' }])]
    await turn()
    expect(disk.flushes).toHaveLength(1)
    disk.flushes[0]?.end()
    await first
    await turn()
    expect(disk.flushes[1]?.operations.map(({ key }) => key)).toEqual(['b', 'c', 'a'])
    disk.flushes[1]?.end()
    await Promise.all(others)
    expect([...disk.content.keys()]).toEqual(['b', 'c'])
  })

  test('resolves nothing before its flush has ended', async () => {
    const disk = new SlowDisk()
    const commit = new GroupCommit(disk)
    let isWritten = false
    const written = commit.write([put('a', '1')]).then(() => {
      isWritten = true
    })
    commit.writeLater([put('b', '2')])
    await turn()
    expect(isWritten).toBe(false)
    disk.flushes[0]?.end()
    await written
    expect(disk.flushes).toHaveLength(1)
  })

  test('reads what is not flushed yet', async () => {
    const disk = new SlowDisk()
    const commit = new GroupCommit(disk)
    commit.writeLater([put('a', '1')])
    expect(String(await commit.get('a'))).toBe('1')
    commit.writeLater([{ type: 'del', key: 'a' }])
    expect(await commit.get('a')).toBeUndefined()
    await turn()
    disk.flushes[0]?.end()
  })

  test('tells all who wait that a flush has failed, and goes on', async () => {
    const disk = new SlowDisk()
    const commit = new GroupCommit(disk)
    const lost = commit.write([put('a', '1')])
    await turn()
    disk.flushes[0]?.end(new Error('the disk is full'))
    await expect(lost).rejects.toThrow('the disk is full')
    await expect(commit.settled()).rejects.toThrow('the disk is full')
    expect(await commit.get('a')).toBeUndefined()
    const next = commit.write([put('b', '2')])
    await turn()
    disk.flushes[1]?.end()
    await next
    await commit.settled()
    expect([...disk.content.keys()]).toEqual(['b'])
  })

  test('what is acknowledged is on the disk after a cut at any flush, in the order of writing', async () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('write' as const), key: fc.constantFrom('a', 'b', 'c'), isDel: fc.boolean() }),
        fc.constant({ kind: 'flush' as const }),
        fc.constant({ kind: 'turn' as const }),
      ),
      { maxLength: 30 },
    )
    await checkAsyncProperty(
      'group commit: a cut at any flush',
      fc.asyncProperty(steps, async script => {
        const disk = new SlowDisk()
        const commit = new GroupCommit(disk)
        const model = new Map<string, string>()
        let acknowledged = 0
        const states: string[] = [stateOf(model)]
        for (const [number, step] of script.entries()) {
          if (step.kind === 'turn') await turn()
          if (step.kind === 'flush') {
            disk.flushes.shift()?.end()
            await turn()
          }
          if (step.kind !== 'write') continue
          if (step.isDel) model.delete(step.key)
          else model.set(step.key, String(number))
          const index = states.push(stateOf(model)) - 1
          const operation: Operation = step.isDel ? { type: 'del', key: step.key } : put(step.key, String(number))
          void commit.write([operation]).then(() => {
            acknowledged = Math.max(acknowledged, index)
          })
          expect(await commit.get(step.key)).toEqual(step.isDel ? undefined : Buffer.from(String(number)))
        }
        // the power goes: what the disk has is a state of the model, and no earlier one than was acknowledged
        const found = stateOf(new Map([...disk.content].map(([key, value]) => [key, String(value)])))
        expect(states.lastIndexOf(found)).toBeGreaterThanOrEqual(acknowledged)
        // whoever goes through everything waits for what is under way
        const reading = (async () => {
          const values: string[] = []
          for await (const value of commit.values(all)) values.push(String(value))
          return values
        })()
        for (let left = 3; left > 0; left--) {
          await turn()
          for (const { end } of disk.flushes.splice(0)) end()
        }
        expect(await reading).toEqual([...model].sort().map(([, value]) => value))
      }),
    )
  })
})

function stateOf(content: ReadonlyMap<string, string>): string {
  return JSON.stringify([...content].sort())
}
