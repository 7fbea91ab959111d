/** What the store writes together, so that nothing comes between, and a crash leaves all of it or nothing. */
import { expect, test } from 'vitest'
import { DurablePersistence } from '../../../../src/enforce/aedes/store/durable-persistence.ts'
import { GroupCommit, type KeyValueStore, type Operation } from '../../../../src/enforce/aedes/store/group-commit.ts'

/** Keeps batches, and reads from them. */
function recording(batches: Operation[][]): KeyValueStore {
  return {
    get: async key => {
      const last = batches.flat().findLast(operation => operation.key === key)
      return last?.type === 'put' ? last.value : undefined
    },
    batch: async operations => void batches.push([...operations]),
    values: async function* () {},
    keys: async function* () {},
    close: async () => undefined,
  }
}

test.each(['publish', 'pubrel'])('what becomes of a message of a queue (%s) is written at once', async cmd => {
  const batches: Operation[][] = []
  const persistence = new DurablePersistence(new GroupCommit(recording(batches)))
  const message = { cmd: 'publish', topic: 'a', payload: Buffer.from('x'), qos: 2, retain: false } as const
  const origin = { brokerId: 'one', brokerCounter: 1 }
  await persistence.outgoingEnqueue({ clientId: 'pump-7' }, { ...message, ...origin })
  await persistence.outgoingUpdate({ id: 'pump-7' }, { ...message, ...origin, messageId: 5 })
  const before = batches.length
  await persistence.outgoingUpdate({ id: 'pump-7' }, { ...message, ...origin, cmd, messageId: 6 })
  expect(batches.slice(before).map(batch => batch.map(({ type }) => type))).toEqual([['del', 'put', 'put']])
})
