/** Filters and topics from so few levels that they collide. */
import fc from 'fast-check'
import { parseTopicFilter, parseTopicName, type TopicFilter, type TopicName } from '../../src/policy/topic.ts'
import { topics } from '../reference/match.ts'

/** Valid filters of one to three levels. */
export const anyFilter: fc.Arbitrary<TopicFilter> = fc
  .tuple(fc.constantFrom('a', 'b', '', '$a', '+', '#'), fc.array(fc.constantFrom('a', '', '+', '#'), { maxLength: 2 }))
  .map(([first, rest]) => [first, ...rest].join('/'))
  .map(text => parseTopicFilter(text))
  .filter(parsed => parsed.ok)
  .map(parsed => parsed.value)

/** Valid topic names over the same levels and one that stands in no filter. */
export const anyTopic: fc.Arbitrary<TopicName> = fc
  .constantFrom(...topics)
  .map(text => parseTopicName(text))
  .filter(parsed => parsed.ok)
  .map(parsed => parsed.value)
