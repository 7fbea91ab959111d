/**
 * CRLs that nodes give each other: one that a node has from its files is in force on all of them within moments. Each node holds it to
 * its own CAs and to the one that it has, so that nothing depends on who wrote it into Redis.
 */
import type { Redis } from 'ioredis'
import type { Crl } from '../../../accept/crl.ts'
import type { Gate } from '../../../gate.ts'

export const crlChannel = 'portcullis:crl'
const crlsKey = 'portcullis:crls'
const agesKey = 'portcullis:crl-ages'

/** An age is thisUpdate and cRLNumber, each with leading zeros: later is greater, as text. */
const shareScript = `
local before = redis.call('HGET', KEYS[2], ARGV[1])
if before and before >= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('PUBLISH', KEYS[3], ARGV[1])
return 1`

/** RFC 5280 §5.2.3: a cRLNumber has 20 octets at most. */
const digitsOfNumber = 49

const ageOf = ({ thisUpdate, number }: Crl): string =>
  `${String(thisUpdate).padStart(16, '0')} ${String(number ?? 0n).padStart(digitsOfNumber, '0')}`

export class SharedCrls {
  readonly #redis: Redis
  readonly #gate: Gate

  constructor(redis: Redis, gate: Gate) {
    this.#redis = redis
    this.#gate = gate
  }

  /** Gives what is in force here to the others from now on, and takes what they have. Also after Redis was away. */
  async exchange(): Promise<void> {
    const { revocations } = this.#gate
    revocations.onTaken = (keyId, crl) => void this.#share(keyId, crl).catch(() => undefined)
    for (const [keyId, crl] of revocations.inForce) await this.#share(keyId, crl)
    for (const keyId of revocations.inForce.keys()) await this.heard(keyId)
  }

  /** Another node, or this one, has shared the CRL of that CA. */
  async heard(keyId: string): Promise<void> {
    const der = await this.#redis.hgetBuffer(crlsKey, keyId)
    const own = this.#gate.revocations.inForce.get(keyId)
    if (der !== null && own !== undefined && !der.equals(own.der)) await this.#gate.takeCrl(der, 'of another node')
  }

  async #share(keyId: string, crl: Crl): Promise<void> {
    await this.#redis.eval(shareScript, 3, crlsKey, agesKey, crlChannel, keyId, ageOf(crl), crl.der)
  }
}
