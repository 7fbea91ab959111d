import { RawClient } from '../support/raw-client.ts'
import { suiteBy } from './by.ts'

/** Header, identifiers and topic in segments of one byte; a long payload is not worth as many records. */
const splitBytes = 64

class SplitClient extends RawClient {
  override write(bytes: Uint8Array): void {
    this.socket.setNoDelay(true)
    for (let at = 0; at < Math.min(splitBytes, bytes.length); at++) super.write(bytes.subarray(at, at + 1))
    if (bytes.length > splitBytes) super.write(bytes.subarray(splitBytes))
  }
}

suiteBy({ name: 'one byte a segment', client: (socket, stream) => new SplitClient(socket, stream) })
suiteBy({ name: 'MQTT 3.1', connect: { protocolId: 'MQIsdp', protocolVersion: 3 } })
