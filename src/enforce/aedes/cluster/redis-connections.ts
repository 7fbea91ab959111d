/** The four connections of a node to its Redis: what is asked, what is listened to, and the two of the emitter. */
import { type Command, Redis, type RedisOptions } from 'ioredis'
import { ConfigurationError, problem } from '../../../problem.ts'

export interface RedisConnections {
  readonly store: Redis
  /** What nodes tell each other. */
  readonly listener: Redis
  /** The messages of topics, in and out. */
  readonly subscriber: Redis
  readonly publisher: Redis
}

/** What Redis has not answered by then has failed: whoever waits for it must not hold up everybody behind it. */
const answerMs = 10_000

/** A transaction whose answer was lost may have been made: sent again, it would queue a message twice. */
const asking: RedisOptions = { maxRetriesPerRequest: 5, commandTimeout: answerMs, autoResendUnfulfilledCommands: false }
/** A subscription that was not made is made as soon as Redis is back, or this node would never hear of its topic. */
const listening: RedisOptions = { maxRetriesPerRequest: null }

/** Rejects with ConfigurationError `cluster/no-redis`. */
export async function connectRedis(url: string): Promise<RedisConnections> {
  const made: Redis[] = []
  let reason: unknown
  const connect = async (options: RedisOptions): Promise<Redis> => {
    const redis = new Redis(url, { lazyConnect: true, ...options })
    made.push(redis)
    followCommands(redis, options.autoResendUnfulfilledCommands !== false)
    // ioredis tells of every attempt; the node's `problem` says what matters
    redis.on('error', error => {
      reason ??= error
    })
    await redis.connect()
    return redis
  }
  try {
    return {
      store: await connect(asking),
      listener: await connect(listening),
      subscriber: await connect(listening),
      publisher: await connect(asking),
    }
  } catch (error) {
    for (const one of made) one.disconnect()
    throw noRedis(url, reason ?? error)
  }
}

/**
 * Libraries leave commands that nobody waits for: that one of those failed, as when Redis went away, must not end the node. And what
 * was on its way when the connection was lost, and is not sent again, has failed: ioredis would have it wait for its timeout.
 */
function followCommands(redis: Redis, isSentAgain: boolean): void {
  const onTheirWay = new Set<Command>()
  const send = redis.sendCommand.bind(redis)
  redis.sendCommand = (command, stream) => {
    const answer = send(command, stream)
    if (!(answer instanceof Promise)) return answer
    // what is sent before that is of ioredis itself
    if (redis.status === 'ready' && !isSentAgain) onTheirWay.add(command)
    const over = (): void => void onTheirWay.delete(command)
    answer.then(over, over)
    return answer
  }
  redis.on('close', () => {
    for (const command of onTheirWay) command.reject(new Error('the connection to Redis was lost'))
  })
}

/** The address without its password. */
function noRedis(url: string, error: unknown): ConfigurationError {
  const at = URL.canParse(url) ? new URL(url).host : 'that address'
  const { code, message = '' } = error as { code?: string; message?: string }
  const reason = code ?? /^(NOAUTH|WRONGPASS|NOPERM)/.exec(message)?.[1] ?? 'no answer'
  return new ConfigurationError([
    problem('cluster/no-redis', `Redis at ${at} cannot be used (${reason})`, {
      help: 'start it, or correct the address: --cluster redis://HOST:6379',
    }),
  ])
}
