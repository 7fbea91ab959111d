/**
 * Cluster emitter: `mqemitter-redis` with channels of its own. The library takes a topic for the name of a channel: without a prefix,
 * whoever subscribes to `#` would be sent what nodes tell each other, and whoever publishes could speak as one of them.
 */
import type { EventEmitter } from 'node:events'
import type { Redis } from 'ioredis'
import redisEmitter from 'mqemitter-redis'
import { literally } from './redis-pattern.ts'

const prefix = 'portcullis-topic:'

export interface ClusterEmitter {
  readonly state: EventEmitter
}

/** For aedes' `mq`. `subscriber` and `publisher` serve nothing else. */
export function clusterEmitter(subscriber: Redis, publisher: Redis): ClusterEmitter {
  const pubConn = {
    on: publisher.on.bind(publisher),
    publish: (topic: string, bytes: Buffer) => publisher.publish(prefix + topic, bytes),
  }
  const emitter = redisEmitter({ subConn: subscriber, pubConn, matchEmptyLevels: true })
  emitter._subTopic = channelOf
  // they are the node's to close; the library would wait for an end that ioredis does not tell of while it is between two attempts
  emitter.close = done => {
    emitter._close(done)
  }
  // ioredis connects again by itself, and the node tells when it is away
  emitter.state.on('error', () => undefined)
  return emitter
}

/**
 * The channel of a topic, or the pattern of channels of a filter. It may fit more than the filter means: the library matches again.
 * @example channelOf('plant/+/state[1]/#') // 'portcullis-topic:plant/*\/state\\[1\\]*'
 */
export function channelOf(filter: string): string {
  // the library subscribes to a pattern where it sees one of these, and to a channel otherwise
  if (!/[+#]/.test(filter)) return prefix + filter
  return prefix + literally(filter).replace(/\+|\/?#/g, '*')
}
