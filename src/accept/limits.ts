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
