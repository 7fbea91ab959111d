/**
 * Retained messages in Redis, read from where `aedes-persistence-redis` writes them: a hash, by topic. The library hands a filter to
 * Redis as a pattern, in which `[`, `?`, `*` and a backslash of a topic name stand for something else.
 */
import type { Redis } from 'ioredis'
import { decode } from 'msgpack-lite'
import { matches } from '../../../policy/filter-algebra.ts'
import type { TopicFilter, TopicName } from '../../../policy/topic.ts'
import type { AedesPublish } from '../shape.ts'
import { literally } from './redis-pattern.ts'

const retainedKey = 'retained'
/** Topics that Redis looks at in one step. */
const scanned = 500

const hasWildcard = (filter: string): boolean => /[+#]/.test(filter)

/** Those that match one of the filters, each once, in no order. */
export async function* retainedMessages(redis: Redis, filters: readonly string[]): AsyncGenerator<AedesPublish> {
  const names = filters.filter(filter => !hasWildcard(filter))
  const named = names.length === 0 ? [] : await redis.hmgetBuffer(retainedKey, ...names)
  for (const bytes of named) if (bytes !== null) yield decode(bytes) as AedesPublish
  const wide = filters.filter(hasWildcard)
  if (wide.length === 0) return
  const seen = new Set(names)
  const scan = redis.hscanBufferStream(retainedKey, { match: patternFor(wide), count: scanned })
  for await (const entries of scan as AsyncIterable<readonly Buffer[]>) {
    for (let at = 0; at < entries.length; at += 2) {
      const topic = String(entries[at])
      // a hash that grows meanwhile is gone through twice in parts
      if (seen.has(topic) || !wide.some(filter => matches(filter as TopicFilter, topic as TopicName))) continue
      seen.add(topic)
      yield decode(entries[at + 1] as Buffer) as AedesPublish
    }
  }
}

/** A pattern of Redis for all topics that begin as all of these filters do. */
function patternFor(filters: readonly string[]): string {
  // `a/#` means `a` as well
  const starts = filters.map(filter => filter.slice(0, Math.max(0, filter.search(/[+#]/) - 1)))
  let common = starts[0] ?? ''
  for (const start of starts) while (!start.startsWith(common)) common = common.slice(0, -1)
  return `${literally(common)}*`
}
