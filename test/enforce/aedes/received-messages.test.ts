/** Messages received at QoS 2 that are not stored yet: a repeat waits for the publication of the first, and never for ever. */
import { expect, test } from 'vitest'
import { ReceivedMessages } from '../../../src/enforce/aedes/received-messages.ts'

const client = { id: 'pump-7' }

/** Whether it has resolved by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  await Promise.resolve()
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending
}

function publishingOne(): ReceivedMessages<string> {
  const received = new ReceivedMessages<string>()
  received.add(client, 5, 'written')
  received.publishing(client, 5, 1)
  return received
}

test('what is to be written is taken once, with the publication', () => {
  const received = publishingOne()
  expect([received.take(1), received.take(1), received.take(2)]).toEqual([['written'], [], []])
})

test('a repeat waits until the publication is over', async () => {
  const received = publishingOne()
  const repeat = received.find(client, 5)
  expect(await isSettled(repeat)).toBe(false)
  received.end(1)
  expect(await repeat).toBeUndefined()
})

test.each([
  ['it has been released', (received: ReceivedMessages<string>) => received.forget(client, 5), undefined],
  ['its session has been ended', (received: ReceivedMessages<string>) => received.forgetAll(client), undefined],
  [
    'another has come with its identifier',
    (received: ReceivedMessages<string>) => received.add(client, 5, 'next'),
    'next',
  ],
])('and goes on also where %s meanwhile', async (_, act, left) => {
  const received = publishingOne()
  const repeat = received.find(client, 5)
  act(received)
  received.end(1)
  expect(await repeat).toBe(left)
})
