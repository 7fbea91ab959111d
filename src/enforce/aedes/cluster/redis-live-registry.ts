/** Live registry in Redis: which node has which client id, and how many an identity has on all of them. */
import type { Redis } from 'ioredis'
import { sessionLive, tooMany } from '../../../bind/admissions.ts'
import { owned } from '../../../bind/kept-sessions.ts'
import type { LiveRegistry, Place } from '../../../bind/live-registry.ts'
import type { Problem } from '../../../problem.ts'

const liveKey = 'portcullis:live'
const identityKeyOf = (identity: string): string => `portcullis:of:${identity}`
export const nodeKey = (node: string): string => `portcullis:node:${node}`
export const leftChannel = 'portcullis:left'
/** A node says that it does not let a session go: it is another identity's there. */
export const stayChannel = 'portcullis:stay'
/** Asks a node to end a session for another node that takes over. */
export const endChannel = (node: string): string => `portcullis:end:${node}`

/** How long the node that has a session may take to end it. */
const takeOverMs = 3_000
const attempts = 3

/** An entry is the node, a new line, the identity. What a dead node has left is nobody's. */
const takeScript = `
local function alive(entry)
  local node = string.match(entry, '^([^\\n]*)\\n')
  return node == ARGV[2] or redis.call('EXISTS', 'portcullis:node:' .. node) == 1
end
local entry = redis.call('HGET', KEYS[1], ARGV[1])
if entry and alive(entry) then
  local node = string.match(entry, '^([^\\n]*)\\n')
  if node ~= ARGV[2] then
    if ARGV[5] == '0' then return {'live'} end
    return {'elsewhere', node}
  end
end
local present = {}
for index = 6, #ARGV do present[ARGV[index]] = true end
for _, id in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  local one = redis.call('HGET', KEYS[1], id)
  if one and alive(one) then
    present[id] = true
  else
    redis.call('SREM', KEYS[2], id)
    if one then redis.call('HDEL', KEYS[1], id) end
  end
end
present[ARGV[1]] = nil
local count = 0
for _ in pairs(present) do count = count + 1 end
if count >= tonumber(ARGV[4]) then return {'full'} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. '\\n' .. ARGV[3])
redis.call('SADD', KEYS[2], ARGV[1])
return {'taken'}`

const leaveScript = `
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('SREM', KEYS[2], ARGV[1])
end
redis.call('PUBLISH', KEYS[3], ARGV[1])
return 1`

export class RedisLiveRegistry implements LiveRegistry {
  readonly #redis: Redis
  readonly #node: string
  readonly #waiting = new Map<string, (isFree: boolean) => void>()

  constructor(redis: Redis, node: string) {
    this.#redis = redis
    this.#node = node
  }

  async take(place: Place): Promise<Problem | undefined> {
    const { clientId, identity, maxSessions, kept, takesOver } = place
    for (let attempt = 0; attempt < attempts; attempt++) {
      const rest = [clientId, this.#node, identity, maxSessions, takesOver ? '1' : '0', ...kept]
      const answer = await this.#redis.eval(takeScript, 2, liveKey, identityKeyOf(identity), ...rest)
      const [outcome, node = ''] = answer as readonly string[]
      if (outcome === 'taken') return undefined
      if (outcome === 'live') return sessionLive(clientId)
      if (outcome === 'full') return tooMany(maxSessions)
      if (!(await this.#askToEnd(node, { clientId, identity }))) return owned(clientId)
    }
    return owned(clientId)
  }

  leave({ clientId, identity }: Pick<Place, 'clientId' | 'identity'>): void {
    const entry = `${this.#node}\n${identity}`
    const keys = [liveKey, identityKeyOf(identity), leftChannel]
    // Redis is away: the entry goes with the node, or with the next log-in
    this.#redis.eval(leaveScript, keys.length, ...keys, clientId, entry).catch(() => undefined)
  }

  /** The session stays where it is. */
  stay(clientId: string): void {
    this.#redis.publish(stayChannel, clientId).catch(() => undefined)
  }

  /** A node says that it has a session no more, or that it keeps it. */
  heard(clientId: string, isFree: boolean): void {
    this.#waiting.get(clientId)?.(isFree)
  }

  /** Whether the place may be asked for again. */
  async #askToEnd(node: string, ended: { readonly clientId: string; readonly identity: string }): Promise<boolean> {
    const { clientId } = ended
    const answered = new Promise<boolean>(resolve => {
      const timer = setTimeout(resolve, takeOverMs, true)
      this.#waiting.set(clientId, isFree => {
        clearTimeout(timer)
        resolve(isFree)
      })
    })
    await this.#redis.publish(endChannel(node), JSON.stringify(ended))
    const isFree = await answered
    this.#waiting.delete(clientId)
    return isFree
  }
}
