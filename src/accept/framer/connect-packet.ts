/** CONNECT, read strictly: every flag, length and text of MQTT 3.1.1 §3.1, and MQTT 3.1 where it differs only by name. */
import { checkText, fieldEnd } from './text-field.ts'
import { malformed, type Violation, violation } from './violation.ts'

/** What a CONNECT says. Its user name and password are checked for form and then left alone: they neither add nor change anything. */
export interface ConnectPacket {
  /** 3 is MQTT 3.1, 4 is 3.1.1. */
  readonly protocolVersion: 3 | 4
  readonly clientId: string
  readonly clean: boolean
  readonly keepAliveSeconds: number
  /** Where the two bytes of the keep-alive stand in the packet. */
  readonly keepAliveAt: number
  readonly will?: {
    readonly topic: string
    readonly qos: 0 | 1 | 2
    readonly retain: boolean
    readonly payloadBytes: number
  }
}

export type ReadConnect =
  | { readonly outcome: 'connect'; readonly packet: ConnectPacket }
  /** A version that is not spoken here; it may be answered before the connection closes. */
  | { readonly outcome: 'version'; readonly version: number; readonly violation: Violation }
  /** Closed without an answer [MQTT-3.1.4-1]. */
  | { readonly outcome: 'malformed'; readonly violation: Violation }

const protocolNames: ReadonlyMap<string, readonly number[]> = new Map([
  ['MQTT', [4, 5]],
  ['MQIsdp', [3]],
])

const bad = (what: string, clause: string): ReadConnect => ({
  outcome: 'malformed',
  violation: malformed(what, clause),
})

/** Steps through the fields of a packet's body; every step fails where the body is too short. */
class Fields {
  at: number
  readonly #bytes: Buffer
  readonly #end: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.at = start
    this.#end = end
  }

  get isAtEnd(): boolean {
    return this.at === this.#end
  }

  byte(): number | undefined {
    return this.at < this.#end ? this.#bytes[this.at++] : undefined
  }

  twoBytes(): number | undefined {
    if (this.at + 2 > this.#end) return undefined
    this.at += 2
    return this.#bytes.readUInt16BE(this.at - 2)
  }

  /** Bytes of a length-prefixed field; what is wrong as text, where it must be one. */
  field(what: string, kind: 'text' | 'binary'): Buffer | Violation {
    const end = fieldEnd(this.#bytes, this.at, this.#end)
    if (end < 0) return malformed(`a CONNECT that ends within ${what}`, 'MQTT-3.1.3-1')
    const start = this.at + 2
    this.at = end
    const wrong = kind === 'text' ? checkText(this.#bytes, start, end, what) : undefined
    return wrong ?? this.#bytes.subarray(start, end)
  }
}

/** Reads the CONNECT whose body stands from `start` to `end`. */
export function readConnect(bytes: Buffer, start: number, end: number): ReadConnect {
  const fields = new Fields(bytes, start, end)
  const name = fields.field('its protocol name', 'text')
  if (!Buffer.isBuffer(name)) return { outcome: 'malformed', violation: name }
  const versions = protocolNames.get(name.toString('latin1'))
  if (versions === undefined) return bad('a CONNECT of another protocol', 'MQTT-3.1.2-1')
  const version = fields.byte()
  if (version === undefined) return bad('a CONNECT without a protocol level', 'MQTT-3.1.2-2')
  if (!versions.includes(version) || version === 5) return { outcome: 'version', version, violation: spoken(version) }
  return readFlags(fields, version as 3 | 4)
}

function spoken(version: number): Violation {
  return violation(
    'accept/protocol-version',
    `the client speaks MQTT ${version === 5 ? '5' : `protocol level ${version}`}; this broker speaks 3.1.1`,
    'set the client to 3.1.1 (mosquitto: -V 311; mqtt.js: protocolVersion 4; paho: protocol=MQTTv311)',
  )
}

function readFlags(fields: Fields, protocolVersion: 3 | 4): ReadConnect {
  const flags = fields.byte()
  const keepAliveAt = fields.at
  const keepAliveSeconds = fields.twoBytes()
  if (flags === undefined || keepAliveSeconds === undefined)
    return bad('a CONNECT that ends in its header', 'MQTT-3.1.2')
  if ((flags & 1) !== 0) return bad('a CONNECT with its reserved flag set', 'MQTT-3.1.2-3')
  const hasWill = (flags & 4) !== 0
  const qos = (flags >> 3) & 3
  const retain = (flags & 0x20) !== 0
  if (!hasWill && (qos !== 0 || retain)) return bad('a CONNECT with will flags and no will', 'MQTT-3.1.2-11')
  if (qos === 3) return bad('a CONNECT with will QoS 3', 'MQTT-3.1.2-14')
  const hasUserName = (flags & 0x80) !== 0
  const hasPassword = (flags & 0x40) !== 0
  if (hasPassword && !hasUserName) return bad('a CONNECT with a password and no user name', 'MQTT-3.1.2-22')

  const clientId = fields.field('its client id', 'text')
  if (!Buffer.isBuffer(clientId)) return { outcome: 'malformed', violation: clientId }
  const topic = hasWill ? fields.field('its will topic', 'text') : undefined
  if (topic !== undefined && !Buffer.isBuffer(topic)) return { outcome: 'malformed', violation: topic }
  const payload = hasWill ? fields.field('its will message', 'binary') : undefined
  if (payload !== undefined && !Buffer.isBuffer(payload)) return { outcome: 'malformed', violation: payload }
  const userName = hasUserName ? fields.field('its user name', 'text') : undefined
  if (userName !== undefined && !Buffer.isBuffer(userName)) return { outcome: 'malformed', violation: userName }
  const password = hasPassword ? fields.field('its password', 'binary') : undefined
  if (password !== undefined && !Buffer.isBuffer(password)) return { outcome: 'malformed', violation: password }
  if (!fields.isAtEnd) return bad('a CONNECT with bytes behind its last field', 'MQTT-3.1.3-1')

  const packet: ConnectPacket = {
    protocolVersion,
    clientId: clientId.toString('utf8'),
    clean: (flags & 2) !== 0,
    keepAliveSeconds,
    keepAliveAt,
    ...(topic === undefined
      ? {}
      : {
          will: { topic: topic.toString('utf8'), qos: qos as 0 | 1 | 2, retain, payloadBytes: payload?.length ?? 0 },
        }),
  }
  return { outcome: 'connect', packet }
}
