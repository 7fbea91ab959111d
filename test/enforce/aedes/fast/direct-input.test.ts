/** Direct input keeps aedes' flow: in order, a batch at a time, and the socket is read again whenever there is room. */
import { EventEmitter } from 'node:events'
import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DirectInput, hasInternals } from '../../../../src/enforce/aedes/fast/direct-input.ts'
import type { AedesClient } from '../../../../src/enforce/aedes/shape.ts'
import { checkProperty } from '../../../support/property.ts'

const puback = (id: number): Buffer => Buffer.from([0x40, 2, id >> 8, id & 0xff])

/** A client with the batches of aedes 1.2.0 (lib/client.js); a packet is handled when `finish` is called. */
function startClient() {
  const handled: number[] = []
  let unfinished = 0
  let reads = 0
  const stream = new Duplex({ read: () => void reads++, write: (_piece, _encoding, done) => done() })
  const parser = Object.assign(new EventEmitter(), { parse: (_bytes: Buffer): void => undefined })
  const client = {
    id: 'pump-7',
    conn: stream,
    _paused: false,
    _parsingBatch: 0,
    _parser: parser,
    _nextBatch: (): void => {
      if (client._paused) return
      client._parsingBatch = Math.max(0, client._parsingBatch - 1)
      if (client._parsingBatch === 0) stream.read(null as never)
    },
  }
  parser.on('packet', ({ messageId }: { messageId: number }) => {
    client._parsingBatch++
    unfinished++
    handled.push(messageId)
  })
  const finish = (): void => {
    if (unfinished === 0) return
    unfinished--
    client._nextBatch()
  }
  const input = new DirectInput(stream, client as never)
  return { client, stream, input, handled, finish, reads: () => reads }
}

test('packets wait while the client is paused', () => {
  const { client, input, handled } = startClient()
  client._paused = true
  input.take(puback(1))
  expect([handled, input.isFull]).toEqual([[], true])
  client._paused = false
  client._nextBatch()
  expect([handled, input.isFull]).toEqual([[1], false])
})

test('the socket is read again when there is room, also where a later chunk made it', () => {
  const { input, handled, reads } = startClient()
  input.take(Buffer.concat([puback(1), puback(2)]))
  input.take(puback(3))
  expect(input.isFull).toBe(true)
  // the socket has stopped now, and gives what it had read already
  const before = reads()
  input.take(puback(4))
  expect([handled, input.isFull]).toEqual([[1, 2, 3, 4], false])
  expect(reads()).toBeGreaterThan(before)
})

test('the end comes behind the packets', async () => {
  const { client, stream, input, handled } = startClient()
  client._paused = true
  input.take(puback(1))
  let hasEnded = false
  input.end(() => {
    hasEnded = true
  })
  expect(hasEnded).toBe(false)
  client._paused = false
  client._nextBatch()
  expect([handled, hasEnded]).toEqual([[1], true])
  stream.destroy()
})

test('nothing is handled once the socket is gone', () => {
  const { client, stream, input, handled } = startClient()
  client._paused = true
  input.take(puback(1))
  stream.destroy()
  client._paused = false
  client._nextBatch()
  expect(handled).toEqual([])
})

test('whatever comes and is done in whatever order, everything is handled in order and the socket is not forgotten', () => {
  checkProperty(
    'direct input keeps order and never stalls',
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 1, max: 3 }), fc.constant('finish' as const)), { maxLength: 40 }),
      acts => {
        const { input, handled, finish, reads } = startClient()
        let sent = 0
        let stoppedAt: number | undefined
        for (const act of acts) {
          const isRead = stoppedAt === undefined || reads() > stoppedAt
          if (act === 'finish') finish()
          else if (isRead) {
            input.take(Buffer.concat(Array.from({ length: act }, () => puback(++sent))))
            stoppedAt = input.isFull ? reads() : undefined
          }
        }
        for (let left = 0; left <= sent; left++) finish()
        expect(handled).toEqual(Array.from({ length: sent }, (_, index) => index + 1))
        expect(input.isFull).toBe(false)
        expect(stoppedAt === undefined || reads() > stoppedAt).toBe(true)
      },
    ),
  )
})

test('a client that is built otherwise is left to its own reading', () => {
  expect(hasInternals({ id: 'x' } as AedesClient)).toBe(false)
})
