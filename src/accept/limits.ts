/**
 * The one table of limits (docs/semantics.md 5.3). Whatever enforces a limit takes its number from `Limits` and refuses
 * with the code of its row; the configuration, the help and the tests read the same rows.
 */
import { isIPv6 } from 'node:net'
import { ConfigurationError, type Problem, type ProblemCode, problem } from '../problem.ts'

export interface LimitRow {
  readonly default: number
  readonly maximum: number
  readonly unit: string
  /** What a connection over the limit is refused with. */
  readonly code: ProblemCode
  readonly description: string
}

export interface Limits {
  readonly handshakeSeconds: number
  readonly connectSeconds: number
  readonly unauthenticatedPerAddress: number
  readonly connections: number
  readonly connectBytes: number
  readonly packetBytes: number
  readonly filtersPerSubscribe: number
  readonly subscriptions: number
  readonly topicBytes: number
  readonly topicLevels: number
  readonly queuedMessages: number
  readonly queuedBytes: number
  readonly retainedTopics: number
  readonly deniedPerMinute: number
  readonly backlogBytes: number
  readonly writeStallSeconds: number
  readonly keepAliveSeconds: number
}

export const limitTable: Readonly<Record<keyof Limits, LimitRow>> = {
  handshakeSeconds: {
    default: 10,
    maximum: 3600,
    unit: 'seconds',
    code: 'accept/handshake-timeout',
    description: 'from the TCP connection to a finished TLS handshake',
  },
  connectSeconds: {
    default: 10,
    maximum: 3600,
    unit: 'seconds',
    code: 'enforce/connect-timeout',
    description: 'from the TLS handshake to an admitted MQTT CONNECT',
  },
  unauthenticatedPerAddress: {
    default: 64,
    maximum: 1_000_000,
    unit: 'connections',
    code: 'accept/too-many-waiting',
    description: 'connections of one address (IPv6: one /64) that have not logged in yet',
  },
  connections: {
    default: 10_000,
    maximum: 10_000_000,
    unit: 'connections',
    code: 'accept/too-many-connections',
    description: 'open connections of the listener in all',
  },
  connectBytes: {
    default: 16 * 1024,
    maximum: 1024 * 1024,
    unit: 'bytes',
    code: 'accept/connect-too-large',
    description: 'one CONNECT packet, its will included; nothing may come before it',
  },
  packetBytes: {
    default: 256 * 1024,
    maximum: 256 * 1024 * 1024,
    unit: 'bytes',
    code: 'accept/packet-too-large',
    description: 'one packet of a session, header included',
  },
  filtersPerSubscribe: {
    default: 100,
    maximum: 100_000,
    unit: 'filters',
    code: 'accept/too-many-filters',
    description: 'topic filters in one SUBSCRIBE or UNSUBSCRIBE',
  },
  subscriptions: {
    default: 1000,
    maximum: 1_000_000,
    unit: 'subscriptions',
    code: 'enforce/too-many-subscriptions',
    description: 'subscriptions of one session',
  },
  topicBytes: {
    default: 1024,
    maximum: 65_535,
    unit: 'bytes',
    code: 'accept/topic-too-long',
    description: 'one topic name or filter',
  },
  topicLevels: {
    default: 32,
    maximum: 100, // aedes and its stores match no deeper
    unit: 'levels',
    code: 'accept/topic-too-deep',
    description: 'one topic name or filter',
  },
  queuedMessages: {
    default: 1000,
    maximum: 10_000_000,
    unit: 'messages',
    code: 'enforce/queue-full',
    description: 'messages that wait for the sessions of one identity',
  },
  queuedBytes: {
    default: 4 * 1024 * 1024,
    maximum: 16 * 1024 * 1024 * 1024,
    unit: 'bytes',
    code: 'enforce/queue-full',
    description: 'payloads and topics that wait for the sessions of one identity',
  },
  retainedTopics: {
    default: 1000,
    maximum: 10_000_000,
    unit: 'topics',
    code: 'enforce/too-many-retained',
    description: 'topics on which one identity holds a retained message',
  },
  deniedPerMinute: {
    default: 60,
    maximum: 1_000_000,
    unit: 'actions',
    code: 'enforce/too-many-denials',
    description:
      'publishes and subscriptions of one identity that are refused in a minute; one more closes the connection',
  },
  backlogBytes: {
    default: 1024 * 1024,
    maximum: 1024 * 1024 * 1024,
    unit: 'bytes',
    code: 'accept/backlog-full',
    description: 'bytes written to one connection that it has not taken',
  },
  writeStallSeconds: {
    default: 20,
    maximum: 3600,
    unit: 'seconds',
    code: 'accept/write-stalled',
    description: 'time in which a connection that has bytes to take takes none',
  },
  keepAliveSeconds: {
    default: 1200,
    maximum: 65_535,
    unit: 'seconds',
    code: 'bind/session-live',
    description: 'the longest keep-alive where `onTakeover: refuse` stands; 0, which is none, counts as this one',
  },
}

/** The names of all limits, in the order of the table. */
export const limitNames: readonly (keyof Limits)[] = Object.keys(limitTable) as (keyof Limits)[]

/** Why this number cannot be the limit of that name; undefined where it can. */
export function limitMistake(name: keyof Limits, value: number): string | undefined {
  const { maximum, unit } = limitTable[name]
  if (Number.isInteger(value) && value >= 1 && value <= maximum) return undefined
  return `limit \`${name}\` is a whole number of ${unit} from 1 to ${maximum}`
}

/**
 * Fills in the defaults. Throws ConfigurationError with every limit that is out of range.
 * @example resolveLimits({ handshakeSeconds: 5 })
 */
export function resolveLimits(given: { readonly [K in keyof Limits]?: number | undefined } = {}): Limits {
  const mistakes: Problem[] = []
  const resolved = limitNames.map((name): [keyof Limits, number] => {
    const value = given[name] ?? limitTable[name].default
    const mistake = limitMistake(name, value)
    if (mistake !== undefined) mistakes.push(problem('config/bad-value', `${mistake}, not ${value}`))
    return [name, value]
  })
  if (mistakes.length > 0) throw new ConfigurationError(mistakes)
  return Object.fromEntries(resolved) as unknown as Limits
}

/**
 * Whose connections are counted together: an IPv4 address (an IPv4-mapped one is the same), or an IPv6 /64, which is what
 * one subscriber is given and could walk through at no cost.
 */
export function addressKey(ip: string): string {
  const address = ip.split('%')[0] ?? ip
  if (!isIPv6(address)) return address
  const groups = ipv6Groups(address)
  const mapped = groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff
  const [high = 0, low = 0] = groups.slice(6)
  if (mapped) return [high >> 8, high & 255, low >> 8, low & 255].join('.')
  return `${groups
    .slice(0, 4)
    .map(group => group.toString(16))
    .join(':')}::/64`
}

/** The eight groups of a valid IPv6 address. */
function ipv6Groups(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const front = groupsOf(head)
  if (tail === undefined) return front
  const back = groupsOf(tail)
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back]
}

function groupsOf(part: string): number[] {
  if (part === '') return []
  return part.split(':').flatMap(group => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [(a << 8) | b, (c << 8) | d]
  })
}
