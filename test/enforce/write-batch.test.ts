import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { expect, test, vi } from 'vitest'
import { WriteBatch } from '../../src/enforce/write-batch.ts'
import { checkProperty } from '../support/property.ts'

/** A stream that keeps what is written to it, a piece for each write; with `isStuck`, it takes nothing. */
function recorder(isStuck = false): { stream: Duplex; pieces: Buffer[]; text: () => string } {
  const pieces: Buffer[] = []
  const stream = new Duplex({
    read: () => undefined,
    write: (piece: Buffer, _encoding, done) => {
      pieces.push(piece)
      if (!isStuck) done()
    },
  })
  return { stream, pieces, text: () => Buffer.concat(pieces).toString('latin1') }
}

test('what is written in one turn leaves in one piece', async () => {
  const { stream, pieces } = recorder()
  const batch = new WriteBatch(stream)
  stream.write('po')
  batch.add(Buffer.from('rtc'))
  stream.write(Buffer.from('ullis'))
  expect(batch.backlog).toBe(10)
  expect(pieces).toEqual([])
  await turn()
  expect(pieces.map(String)).toEqual(['portcullis'])
  expect(batch.backlog).toBe(0)
})

test('a lone piece is not copied', async () => {
  const { stream, pieces } = recorder()
  const frame = Buffer.from('shared by all receivers')
  new WriteBatch(stream).add(frame)
  await turn()
  expect(pieces[0]?.buffer).toBe(frame.buffer)
})

test('no more than a TLS record is held back', () => {
  const { stream, pieces } = recorder()
  const batch = new WriteBatch(stream)
  for (let count = 0; count < 5; count++) batch.add(Buffer.alloc(4_000))
  expect(pieces.map(piece => piece.length)).toEqual([20_000])
})

test.each(['end', 'destroy'] as const)('%s sends what was held back first', how => {
  const { stream, text } = recorder()
  new WriteBatch(stream)
  stream.write('CONNACK')
  stream[how]()
  expect(text()).toBe('CONNACK')
})

test('after the end nothing is written any more', async () => {
  const { stream, text } = recorder()
  const batch = new WriteBatch(stream)
  stream.on('error', () => undefined)
  stream.destroy()
  batch.add(Buffer.from('late'))
  await turn()
  expect(text()).toBe('')
  expect(batch.backlog).toBe(0)
})

test('a stream that wants to be waited for says so', async () => {
  const { stream } = recorder(true)
  const batch = new WriteBatch(stream)
  expect(batch.add(Buffer.alloc(8_000))).toBe(true)
  expect(batch.add(Buffer.alloc(16_384))).toBe(false)
  expect(batch.add(Buffer.from('x'))).toBe(false)
  expect(batch.backlog).toBe(24_385)
})

test('a packet that cannot be written to its end is not begun, and nothing follows it', async () => {
  const { stream, pieces } = recorder()
  stream.on('error', () => undefined)
  new WriteBatch(stream)
  const packet = { cmd: 'publish', topic: 'a', payload: 'x', qos: 1, messageId: 65_536, dup: false, retain: false }
  expect(() => mqttPacket.writeToStream(packet as Packet, stream)).toThrow(TypeError)
  mqttPacket.writeToStream({ cmd: 'pingresp' } as Packet, stream)
  await turn()
  expect(pieces).toEqual([])
  expect(stream.destroyed).toBe(true)
})

test('a callback is told when its piece is written, behind what came before', async () => {
  const { stream, text } = recorder()
  new WriteBatch(stream)
  const done = vi.fn()
  stream.write('1')
  stream.write('2', done)
  await turn()
  expect(done).toHaveBeenCalledOnce()
  expect(text()).toBe('12')
})

test('pieces of any kind and size leave whole and in order', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: 0, max: 20_000 }).map(size => Buffer.alloc(size, 'z')),
    fc.constant('flush' as const),
  )
  checkProperty(
    'a write batch keeps order and bytes',
    fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
      const { stream, pieces: written } = recorder()
      const batch = new WriteBatch(stream)
      const expected: Uint8Array[] = []
      for (const one of pieces) {
        if (one === 'flush') {
          batch.flush()
          continue
        }
        stream.write(one)
        expected.push(Buffer.from(one as string))
      }
      batch.flush()
      expect(Buffer.concat(written).equals(Buffer.concat(expected))).toBe(true)
    }),
  )
})
