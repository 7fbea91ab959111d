/**
 * PROXY protocol, version 2 (HAProxy, doc/proxy-protocol.txt 2.2), inbound: what a listed TCP load balancer says of where a
 * connection comes from. Strict, since whoever may say it may say any address: one form, one length, no byte read beyond.
 */
import { BlockList, isIP, isIPv4, type Socket, SocketAddress } from 'node:net'
import { ConfigurationError, fail, ok, type Problem, problem, type Result } from '../problem.ts'
import { plainAddress } from './plain-address.ts'

/** Where a connection comes from. */
export interface Source {
  readonly address: string
  readonly port: number
}

export interface ProxyHeader {
  /** Bytes of the header; what stands behind them is not its own. */
  readonly length: number
  /** Undefined for LOCAL: the load balancer speaks for itself, to see whether anybody is there. */
  readonly source: Source | undefined
}

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
/** Signature, version and command, family and transport, length. */
const fixedBytes = 16
/** The whole header: what the standard wants to fit in the first segment, whatever its path. */
export const longestProxyHeader = 536
const local = 0x0
const proxy = 0x1
/** Bytes of two addresses and two ports, by family and transport. The others are no TCP over IP. */
const addressBytes: ReadonlyMap<number, number> = new Map([
  [0x11, 4],
  [0x21, 16],
])

/**
 * Reads the header that these bytes begin with; undefined where more must come to tell. What is refused is so at the first
 * byte that is wrong, so it is the same however the bytes come.
 */
export function parseProxyHeader(bytes: Buffer): Result<ProxyHeader> | undefined {
  const begun = Math.min(bytes.length, signature.length)
  if (!bytes.subarray(0, begun).equals(signature.subarray(0, begun))) {
    return missing('the connection of a load balancer does not begin with a PROXY header of version 2')
  }
  const [versionAndCommand, family] = [bytes[12], bytes[13]]
  if (versionAndCommand === undefined) return undefined
  const command = versionAndCommand & 0x0f
  if (versionAndCommand >> 4 !== 2) return invalid(`version ${versionAndCommand >> 4}, not 2`)
  if (command !== local && command !== proxy) return invalid(`command ${command}, neither LOCAL nor PROXY`)
  if (family === undefined) return undefined
  const width = addressBytes.get(family)
  if (command === proxy && width === undefined) {
    return invalid(`family and transport 0x${family.toString(16).padStart(2, '0')}, not TCP over IPv4 or IPv6`)
  }
  if (bytes.length < fixedBytes) return undefined
  const length = fixedBytes + bytes.readUInt16BE(14)
  if (length > longestProxyHeader) return invalid(`${length} bytes, more than ${longestProxyHeader}`)
  // 2.2: of LOCAL everything behind the length is to be ignored, the family too
  if (command === local || width === undefined) {
    return bytes.length < length ? undefined : ok({ length, source: undefined })
  }
  const tlvs = fixedBytes + 2 * width + 4
  if (length < tlvs) return invalid('too short for the addresses of its family')
  if (bytes.length < length) return undefined
  if (!addsUp(bytes.subarray(tlvs, length))) return invalid('its TLVs do not add up to its length')
  const address = addressOf(bytes.subarray(fixedBytes, fixedBytes + width))
  return ok({ length, source: { address, port: bytes.readUInt16BE(fixedBytes + 2 * width) } })
}

/** Type, length of two bytes, value, and so on to the very end. */
function addsUp(tlvs: Buffer): boolean {
  let at = 0
  while (at + 3 <= tlvs.length) at += 3 + tlvs.readUInt16BE(at + 1)
  return at === tlvs.length
}

/** As the system would write it of a socket. */
function addressOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = bytes.toString('hex').match(/..../g) ?? []
  return plainAddress(new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address)
}

const help =
  'have the load balancer send PROXY protocol version 2 (HAProxy: `send-proxy-v2`), or take its address out of `listen.proxyFrom`'

type Refusal = ReturnType<typeof fail>

const missing = (sentence: string): Refusal => fail(problem('accept/proxy-header-missing', sentence, { help }))

const invalid = (what: string): Refusal =>
  fail(problem('accept/proxy-header-invalid', `the PROXY header of a load balancer cannot be used: ${what}`, { help }))

/**
 * Reads the header from a socket that nothing has been read from, and tells it once. What came behind it is put back, to be
 * read by whoever takes the socket before the event loop goes on. Whoever destroys the socket before is told nothing.
 */
export function readProxyHeader(socket: Socket, told: (header: Result<ProxyHeader>) => void): void {
  let bytes = Buffer.alloc(0)
  const tell = (header: Result<ProxyHeader>): void => {
    socket.off('readable', read)
    socket.off('end', ended)
    socket.off('error', ended)
    told(header)
  }
  const read = (): void => {
    const chunk: Buffer | null = socket.read()
    if (chunk === null) return
    // never more than one header and one chunk: whatever is longer has been told
    bytes = Buffer.concat([bytes, chunk])
    const header = parseProxyHeader(bytes)
    if (header === undefined) return
    if (header.ok && bytes.length > header.value.length) socket.unshift(bytes.subarray(header.value.length))
    tell(header)
  }
  const ended = (): void => tell(missing('the connection of a load balancer ended before its PROXY header was whole'))
  // TLS is not there yet to take it: an error without a listener ends the process
  socket.on('error', () => undefined)
  socket.on('readable', read)
  socket.once('end', ended)
  socket.once('error', ended)
}

/** `address` or `address/bits`; an IPv4-mapped one is IPv4. */
function rangeOf(text: string): { address: string; bits: number; family: 'ipv4' | 'ipv6' } | undefined {
  const [written = '', prefix, ...more] = text.split('/')
  if (more.length > 0 || isIP(written) === 0 || written.includes('%')) return undefined
  const width = isIPv4(written) ? 32 : 128
  const bits = prefix === undefined ? width : /^(?:0|[1-9]\d{0,2})$/.test(prefix) ? Number(prefix) : Number.NaN
  if (!(bits <= width)) return undefined
  if (width === 32) return { address: written, bits, family: 'ipv4' }
  const address = new SocketAddress({ address: written, family: 'ipv6' }).address
  const mapped = plainAddress(address)
  if (isIPv4(mapped) && bits >= 96) return { address: mapped, bits: bits - 96, family: 'ipv4' }
  return { address, bits, family: 'ipv6' }
}

/** Whether this can stand in `proxyFrom`: an address, or a range in CIDR form. */
export function isAddressRange(text: string): boolean {
  return rangeOf(text) !== undefined
}

/**
 * Tells whether an address is in one of these ranges. Throws ConfigurationError with every text that is none.
 * @example addressesIn(['10.0.0.5', '2001:db8::/32'])('10.0.0.5')
 */
export function addressesIn(ranges: readonly string[]): (address: string) => boolean {
  const mistakes = ranges.filter(text => !isAddressRange(text))
  if (mistakes.length > 0) throw new ConfigurationError(mistakes.map(notARange))
  // one for each family: a range of IPv6 such as ::/0 would have IPv4 in it, mapped
  const listed = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const text of ranges) {
    const range = rangeOf(text)
    if (range !== undefined) listed[range.family].addSubnet(range.address, range.bits, range.family)
  }
  return address => {
    const plain = plainAddress(address).split('%')[0] ?? ''
    const family = isIPv4(plain) ? 'ipv4' : 'ipv6'
    return isIP(plain) !== 0 && listed[family].check(plain, family)
  }
}

const notARange = (text: string): Problem =>
  problem(
    'config/bad-value',
    `\`proxyFrom\` has ${JSON.stringify(text)}, which is no address and no range of addresses`,
    {
      help: 'such as 10.0.0.5, 10.1.0.0/16 or 2001:db8::/32',
    },
  )
