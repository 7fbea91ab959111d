/** Owners of kept sessions in Redis: compared and set in one step for all nodes, and told to each of them. */
import type { Redis } from 'ioredis'
import type { Owner, OwnerStore } from '../../../bind/owner-store.ts'

const ownersKey = 'portcullis:owners'
export const ownersChannel = 'portcullis:owners'

/** 1 where the owner was still the expected one. What is compared is the text that this file writes. */
const replaceScript = `
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
redis.call('PUBLISH', KEYS[2], ARGV[1])
return 1`

export class RedisOwnerStore implements OwnerStore {
  readonly #redis: Redis
  #changed: (clientId: string, owner: Owner | undefined) => void = () => undefined

  constructor(redis: Redis) {
    this.#redis = redis
  }

  async get(clientId: string): Promise<Owner | undefined> {
    return readOwner(await this.#redis.hget(ownersKey, clientId))
  }

  async replace(clientId: string, expected: Owner | undefined, next: Owner | undefined): Promise<boolean> {
    const [before, after] = [textOf(expected), textOf(next)]
    return (await this.#redis.eval(replaceScript, 2, ownersKey, ownersChannel, clientId, before, after)) === 1
  }

  async all(): Promise<readonly (readonly [string, Owner])[]> {
    const stored = Object.entries(await this.#redis.hgetall(ownersKey))
    return stored.flatMap(([clientId, text]): readonly (readonly [string, Owner])[] => {
      const owner = readOwner(text)
      return owner === undefined ? [] : [[clientId, owner]]
    })
  }

  onChange(changed: (clientId: string, owner: Owner | undefined) => void): void {
    this.#changed = changed
  }

  /** Reads all of them anew. `known`: client ids that had an owner, and may have none any more. */
  async refresh(known: Iterable<string>): Promise<void> {
    const stored = new Map(await this.all())
    for (const clientId of new Set([...known, ...stored.keys()])) this.#changed(clientId, stored.get(clientId))
  }

  /** Another node, or this one, has changed the owner of that client id. */
  async heard(clientId: string): Promise<void> {
    this.#changed(clientId, await this.get(clientId))
  }
}

function textOf(owner: Owner | undefined): string {
  return owner === undefined ? '' : `${owner.issuerKeyId} ${owner.leafDer.toString('base64')}`
}

/** What cannot be read is nobody's: the session is purged at the next log-in. */
function readOwner(text: string | null): Owner | undefined {
  const [issuerKeyId = '', leaf = ''] = (text ?? '').split(' ')
  return leaf === '' ? undefined : { issuerKeyId, leafDer: Buffer.from(leaf, 'base64') }
}
