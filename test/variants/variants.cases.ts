/** The conformance suite of adapters once more, by every other way into the same gate. `npm run test:variants` */
import { describe, test } from 'vitest'
import { adapterCases } from '../suites/adapter.ts'
import { RawClient } from '../support/raw-client.ts'
import { guardedAedesBy, type Variant } from '../support/suite-guarded.ts'

/** Header, identifiers and topic in segments of one byte; a long payload is not worth as many records. */
const splitBytes = 64

class SplitClient extends RawClient {
  override write(bytes: Uint8Array): void {
    this.socket.setNoDelay(true)
    for (let at = 0; at < Math.min(splitBytes, bytes.length); at++) super.write(bytes.subarray(at, at + 1))
    if (bytes.length > splitBytes) super.write(bytes.subarray(splitBytes))
  }
}

const variants: readonly Variant[] = [
  { name: 'the plain path', fastPath: false },
  { name: 'WebSocket', isWebSocket: true },
  { name: 'WebSocket on the plain path', isWebSocket: true, fastPath: false },
  { name: 'one byte a segment', client: (socket, stream) => new SplitClient(socket, stream) },
  { name: 'MQTT 3.1', connect: { protocolId: 'MQIsdp', protocolVersion: 3 } },
]

for (const variant of variants) {
  const broker = guardedAedesBy(variant)
  describe.concurrent(`adapter suite by ${variant.name}`, () => {
    for (const one of adapterCases) {
      test(one.name, async () => {
        const running = await broker.start(one.start)
        try {
          await one.run(running)
        } finally {
          await running.close()
        }
      })
    }
  })
}
