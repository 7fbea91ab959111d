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

/** How long the node that has a session may take to end it before it is asked again. */
const takeOverMs = 3_000
/** Client ids that have left while Redis was away; the places of more go with the next log-in, or with the node. */
const mostUnsaid = 10_000
/** Log-ins that race on several nodes take over from each other; longer than a connection waits for its CONNACK, none does. */
const longestMs = 10_000

/** An entry is the node, the identity and the session, a line each. What a dead node has left is nobody's. */
const takeScript = `
local function alive(entry)
  local node = string.match(entry, '^([^\\n]*)\\n')
  return node == ARGV[2] or redis.call('EXISTS', 'portcullis:node:' .. node) == 1
end
local entry = redis.call('HGET', KEYS[1], ARGV[1])
if entry and alive(entry) then
  local node, session = string.match(entry, '^([^\\n]*)\\n[^\\n]*\\n(.*)$')
  if node ~= ARGV[2] then
    if ARGV[6] == '0' then return {'live'} end
    return {'elsewhere', node, session}
  end
end
local present = {}
for index = 7, #ARGV do present[ARGV[index]] = true end
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
if count >= tonumber(ARGV[5]) then return {'full'} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. '\\n' .. ARGV[3] .. '\\n' .. ARGV[4])
redis.call('SADD', KEYS[2], ARGV[1])
return {'taken'}`

/** ARGV: client id, node, session: that one has left, and so has every earlier one of this node. */
const leaveScript = `
local node, session = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^([^\\n]*)\\n[^\\n]*\\n(%d+)$')
if node == ARGV[2] and tonumber(session) <= tonumber(ARGV[3]) then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('SREM', KEYS[2], ARGV[1])
end
redis.call('PUBLISH', KEYS[3], ARGV[1])
return 1`

/** What a node is asked to end. */
export interface AskedToEnd {
  readonly clientId: string
  readonly identity: string
  /** The session that was there when it was asked: a later one is not meant. */
  readonly session: string
}

export class RedisLiveRegistry implements LiveRegistry {
  readonly #redis: Redis
  readonly #node: string
  readonly #waiting = new Map<string, (isFree: boolean) => void>()
  /** By client id: the session that has the place here. */
  readonly #sessions = new Map<string, string>()
  /** By client id: what Redis has not been told yet. */
  readonly #unsaid = new Map<string, AskedToEnd>()
  #count = 0

  constructor(redis: Redis, node: string) {
    this.#redis = redis
    this.#node = node
  }

  async take(place: Place): Promise<Problem | undefined> {
    const { clientId, identity, maxSessions, kept, takesOver } = place
    const session = String(++this.#count)
    const began = performance.now()
    do {
      const rest = [clientId, this.#node, identity, session, maxSessions, takesOver ? '1' : '0', ...kept]
      const answer = await this.#redis
        .eval(takeScript, 2, liveKey, identityKeyOf(identity), ...rest)
        .catch((error: unknown) => {
          // it may have been taken, and only the answer got lost
          this.#say({ clientId, identity, session })
          throw error
        })
      const [outcome, node = '', before = ''] = answer as readonly string[]
      if (outcome === 'taken') {
        this.#sessions.set(clientId, session)
        return undefined
      }
      if (outcome === 'live') return sessionLive(clientId)
      if (outcome === 'full') return tooMany(maxSessions)
      if (!(await this.#askToEnd(node, { clientId, identity, session: before }))) return owned(clientId)
    } while (performance.now() - began < longestMs)
    return owned(clientId)
  }

  leave({ clientId, identity }: Pick<Place, 'clientId' | 'identity'>): void {
    this.release({ clientId, identity, session: this.#sessions.get(clientId) ?? '0' })
  }

  /** That session is not here, or not any more: its place is free. A later one keeps it. */
  release(gone: AskedToEnd): void {
    if (this.isOf(gone)) this.#sessions.delete(gone.clientId)
    this.#say(gone)
  }

  /** Redis is back: says who has left meanwhile. */
  sayAgain(): void {
    for (const gone of this.#unsaid.values()) this.#say(gone)
  }

  #say(gone: AskedToEnd): void {
    const { clientId, identity, session } = gone
    const before = this.#unsaid.get(clientId)
    if (before !== undefined && Number(before.session) > Number(session)) return
    if (before !== undefined || this.#unsaid.size < mostUnsaid) this.#unsaid.set(clientId, gone)
    const said = (): void => {
      if (this.#unsaid.get(clientId) === gone) this.#unsaid.delete(clientId)
    }
    const keys = [liveKey, identityKeyOf(identity), leftChannel]
    // Redis is away: it is said again
    this.#redis.eval(leaveScript, keys.length, ...keys, clientId, this.#node, session).then(said, () => undefined)
  }

  /** Whether the place here is still that session's. */
  isOf({ clientId, session }: AskedToEnd): boolean {
    return this.#sessions.get(clientId) === session
  }

  /** Tells whoever waits: the place may be asked for again, or the session stays where it is. */
  tell(clientId: string, isFree: boolean): void {
    this.#redis.publish(isFree ? leftChannel : stayChannel, clientId).catch(() => undefined)
  }

  /** A node says that it has a session no more, or that it keeps it. */
  heard(clientId: string, isFree: boolean): void {
    this.#waiting.get(clientId)?.(isFree)
  }

  /** Whether the place may be asked for again. */
  async #askToEnd(node: string, asked: AskedToEnd): Promise<boolean> {
    const { clientId } = asked
    const answered = new Promise<boolean>(resolve => {
      const timer = setTimeout(resolve, takeOverMs, true)
      this.#waiting.set(clientId, isFree => {
        clearTimeout(timer)
        resolve(isFree)
      })
    })
    await this.#redis.publish(endChannel(node), JSON.stringify(asked))
    const isFree = await answered
    this.#waiting.delete(clientId)
    return isFree
  }
}
