/** PROXY protocol v2 in front of the mutual-TLS listener: real sockets, real certificates, honest and hostile headers. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import net from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Limits } from '../../src/accept/limits.ts'
import { addressesIn, isAddressRange, longestProxyHeader, parseProxyHeader } from '../../src/accept/proxy-protocol.ts'
import { type Listening, listen } from '../../src/enforce/aedes/index.ts'
import { ConfigurationError, formatProblem } from '../../src/problem.ts'
import { loadConfiguration } from '../../src/tool/configuration.ts'
import type { TraceEvent } from '../../src/trace.ts'
import { type Plant, refusedWith, startPlant } from '../support/plant.ts'
import { checkProperty } from '../support/property.ts'
import { RawClient } from '../support/raw-client.ts'

const own = 'plant/s1/pump-7/telemetry/temp'

// An encoder as the standard draws it.

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255])
const tlv = (type: number, value: Uint8Array, length = value.length): Buffer =>
  Buffer.concat([Buffer.from([type]), u16(length), value])

/** `length` is what the header says of its rest; the truth, if not given. */
function encode(command: number, family: number, rest: Uint8Array, length = rest.length): Buffer {
  return Buffer.concat([signature, Buffer.from([command, family]), u16(length), rest])
}
const addresses = (from: readonly number[], to: readonly number[], port: number): Buffer =>
  Buffer.concat([Buffer.from(from), Buffer.from(to), u16(port), u16(8883)])
const v4 = (from: string, port = 40_000): Buffer => addresses(from.split('.').map(Number), [192, 0, 2, 1], port)
const from4 = (address: string): Buffer => encode(0x21, 0x11, v4(address))
const bytesOf = (groups: readonly number[]): number[] => groups.flatMap(group => [group >> 8, group & 255])

describe('parseProxyHeader', () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
  const sources = fc.oneof(
    fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 }),
    fc.array(group, { minLength: 8, maxLength: 8 }),
    fc.tuple(group, group).map(last => [0, 0, 0, 0, 0, 0xffff, ...last]),
  )
  const header = fc.record({
    source: sources,
    port: fc.integer({ min: 0, max: 0xffff }),
    tlvs: fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 40 })), { maxLength: 8 }),
  })
  const write = ({ source, port, tlvs }: { source: number[]; port: number; tlvs: [number, Uint8Array][] }): Buffer => {
    const octets = source.length === 4 ? source : bytesOf(source)
    const rest = [addresses(octets, [...octets].reverse(), port), ...tlvs.map(([type, value]) => tlv(type, value))]
    return encode(0x21, source.length === 4 ? 0x11 : 0x21, Buffer.concat(rest))
  }
  /** What an address means, read back by the rules of RFC 4291 2.2. */
  const meaning = (address: string): number[] => {
    if (net.isIPv4(address)) return address.split('.').map(Number)
    const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
    const [a = 0, b = 0, c = 0, d = 0] = (dotted ?? []).slice(1).map(Number)
    const hex =
      dotted === null
        ? address
        : `${address.slice(0, dotted.index)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
    const [front = [], back] = hex.split('::').map(part => (part === '' ? [] : part.split(':')))
    const zeros = back === undefined ? 0 : 8 - front.length - back.length
    return [...front, ...new Array<string>(zeros).fill('0'), ...(back ?? [])].map(one => Number.parseInt(one, 16))
  }
  const isMapped = (source: readonly number[]): boolean => source.slice(0, 6).join() === '0,0,0,0,0,65535'

  test('reads what an encoder writes, whatever follows, and wants more of every beginning', () => {
    checkProperty(
      'PROXY header: read back, whatever follows',
      fc.property(header, fc.uint8Array({ maxLength: 600 }), fc.nat(), (given, behind, cut) => {
        const bytes = write(given)
        const read = parseProxyHeader(Buffer.concat([bytes, behind]))
        if (read === undefined || !read.ok) throw new Error('not read')
        expect(read.value.length).toBe(bytes.length)
        expect(read.value.source?.port).toBe(given.port)
        const { address } = read.value.source ?? { address: '' }
        expect(net.isIP(address)).not.toBe(0)
        // an IPv4-mapped address is the IPv4 address
        const meant = isMapped(given.source) ? bytesOf(given.source.slice(6)) : given.source
        expect(meaning(address)).toEqual(meant)
        expect(parseProxyHeader(bytes.subarray(0, cut % bytes.length))).toBeUndefined()
      }),
    )
  })

  test('of an injured header never throws, and says at no later byte anything else than at the first that tells', () => {
    const injured = fc
      .tuple(header, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }))
      .map(([given, injuries]) => {
        const bytes = write(given)
        // mostly where the structure is
        for (const [at, value] of injuries) bytes[at % (at % 2 === 0 ? 16 : bytes.length)] = value
        return bytes
      })
    checkProperty(
      'PROXY header: the same however it comes',
      fc.property(fc.oneof(injured, fc.uint8Array({ maxLength: 40 }).map(Buffer.from)), fc.nat(), (bytes, cut) => {
        const whole = parseProxyHeader(Buffer.from(bytes))
        const part = parseProxyHeader(Buffer.from(bytes.subarray(0, cut % (bytes.length + 1))))
        if (part !== undefined) expect(part).toEqual(whole)
        if (whole?.ok !== true) return
        expect(whole.value.length).toBeLessThanOrEqual(Math.min(bytes.length, longestProxyHeader))
      }),
    )
  })

  test('may be 536 bytes long and no longer', () => {
    const padded = (bytes: number): Buffer =>
      encode(0x21, 0x11, Buffer.concat([v4('203.0.113.7'), tlv(4, Buffer.alloc(bytes - 16 - 12 - 3))]))
    expect(padded(longestProxyHeader)).toHaveLength(536)
    expect(parseProxyHeader(padded(longestProxyHeader))).toMatchObject({ ok: true, value: { length: 536 } })
    expect(parseProxyHeader(padded(longestProxyHeader + 1).subarray(0, 16))).toMatchObject({
      ok: false,
      problem: { code: 'accept/proxy-header-invalid' },
    })
  })

  test('writes addresses as the system does', () => {
    const of = (groups: number[]): string | undefined => {
      const read = parseProxyHeader(encode(0x21, 0x21, addresses(bytesOf(groups), bytesOf(groups), 1)))
      return read?.ok ? read.value.source?.address : undefined
    }
    expect(of([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])).toBe('2001:db8::1')
    expect(of([0, 0, 0, 0, 0, 0xffff, 0xcb00, 0x7107])).toBe('203.0.113.7')
  })
})

describe('addressesIn', () => {
  test.each([
    [['10.0.0.5'], '10.0.0.5', true],
    [['10.0.0.5'], '10.0.0.6', false],
    [['10.0.0.5'], '::ffff:10.0.0.5', true],
    [['::ffff:10.0.0.5'], '10.0.0.5', true],
    [['::ffff:a00:0/104'], '10.9.9.9', true],
    [['::ffff:a00:0/104'], '11.0.0.0', false],
    [['10.1.0.0/16', '192.0.2.0/25'], '192.0.2.127', true],
    [['10.1.0.0/16', '192.0.2.0/25'], '192.0.2.128', false],
    [['0.0.0.0/0'], '203.0.113.7', true],
    [['0.0.0.0/0'], '2001:db8::1', false],
    [['::/0'], '203.0.113.7', false],
    [['::/0'], '2001:db8::1', true],
    [['::/64'], '::ffff:203.0.113.7', false],
    [['10.0.0.0/8'], '::a00:1', false],
    [['2001:db8::/33'], '2001:db8:7fff::1', true],
    [['2001:db8::/33'], '2001:db8:8000::1', false],
    [['fe80::/10'], 'fe80::1%eth0', true],
    [['0.0.0.0/0', '::/0'], 'unknown', false],
    [[], '127.0.0.1', false],
  ])('%j: %s is %s', (ranges, address, isIn) => {
    expect(addressesIn(ranges)(address)).toBe(isIn)
  })

  test.each(['', 'lb', '10.0.0', '10.0.0.256', '010.0.0.1', '10.0.0.1/33', '10.0.0.1/', '10.0.0.1/8/8', '10.0.0.1/08'])(
    'refuses %j',
    text => {
      expect(isAddressRange(text)).toBe(false)
      expect(() => addressesIn(['10.0.0.1', text])).toThrow(/^config\/bad-value: `proxyFrom` has ".*", which is no/)
    },
  )
  test.each(['::1/129', 'fe80::1%eth0', '10.0.0.1-10.0.0.9', ' 10.0.0.1', '10.0.0.1/+8'])('refuses %j', text => {
    expect(isAddressRange(text)).toBe(false)
  })
})

describe('a listener behind a load balancer', () => {
  let plant: Plant
  let door: Listening
  const open: net.Socket[] = []

  const start = async (limits: Partial<Limits> = {}, proxyFrom: readonly string[] = ['127.0.0.1']): Promise<void> => {
    plant = await startPlant({ limits })
    door = await listen(plant.guarded, { port: 0, wsPort: 0, host: '127.0.0.1', tls: tlsFiles(), proxyFrom })
  }
  const tlsFiles = (): { keyFile: string; certFile: string } => ({
    keyFile: join(plant.folder, 'certs-dev', 'server.key'),
    certFile: join(plant.folder, 'certs-dev', 'server.pem'),
  })
  afterEach(async () => {
    for (const socket of open.splice(0)) socket.destroy()
    await door.close()
    await plant.close()
  })

  /** A TCP connection with this much sent. */
  const dial = async (bytes: Uint8Array, port = door.address.port): Promise<net.Socket> => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    open.push(socket)
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    if (bytes.length > 0) socket.write(bytes)
    return socket
  }
  /** Resolves when the other side has closed. */
  const closed = (socket: net.Socket): Promise<unknown> =>
    new Promise(resolve => socket.once('close', resolve).resume())

  /** Through a load balancer, which writes its header in one with the first bytes of the client. */
  const behind = async (header: Buffer, port = door.address.port): Promise<net.Socket> => {
    const balancer = net.createServer(client => {
      const inner = net.connect(port, '127.0.0.1')
      open.push(client, inner)
      client.once('data', first => {
        inner.write(Buffer.concat([header, first]))
        client.pipe(inner)
      })
      inner.pipe(client)
      client.on('error', () => inner.destroy()).on('close', () => inner.destroy())
      inner.on('error', () => client.destroy()).on('close', () => client.destroy())
      balancer.close()
    })
    balancer.listen(0, '127.0.0.1')
    await once(balancer, 'listening')
    return dial(Buffer.alloc(0), (balancer.address() as net.AddressInfo).port)
  }
  const login = async (name: string, socket: net.Socket): Promise<{ client: RawClient; code: number | undefined }> => {
    const client = await RawClient.open(0, await plant.as(name), { socket })
    client.send({ cmd: 'connect', clientId: name, protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 0 })
    const answer = await client.next()
    return { client, code: answer?.cmd === 'connack' ? answer.returnCode : undefined }
  }
  const connected = (event: TraceEvent): boolean => event.event === 'connected'
  const refusals = (): readonly TraceEvent[] => plant.events.filter(event => event.event === 'handshake-refused')

  test('header and ClientHello in one segment: TLS comes up, and the session comes from where the header says', async () => {
    await start()
    const rest = Buffer.concat([
      v4('203.0.113.7', 41_000),
      tlv(0x02, Buffer.from('broker.example')),
      tlv(0x04, Buffer.alloc(9)),
    ])
    const { client, code } = await login('pump-7', await behind(encode(0x21, 0x11, rest)))
    expect(code).toBe(0)
    expect(await client.publish(own)).toBe('acknowledged')
    expect(await plant.event(connected)).toMatchObject({ peer: { address: '203.0.113.7' } })
    // and so everything after it
    expect(await client.publish('plant/s1/pump-8/telemetry/temp')).toBe('closed')
    expect(await plant.event(refusedWith('decide/no-rule'))).toMatchObject({ peer: { address: '203.0.113.7' } })
  })

  test('a header that comes byte by byte', async () => {
    await start()
    const socket = await dial(Buffer.alloc(0))
    const groups = [0x2001, 0xdb8, 0, 0, 0, 0, 0, 7]
    for (const byte of encode(0x21, 0x21, addresses(bytesOf(groups), bytesOf(groups), 41_000))) {
      await new Promise<void>(resolve => socket.write(Buffer.from([byte]), () => resolve()))
      // a turn of the event loop, in which the listener reads what is there
      await new Promise(setImmediate)
    }
    const { client, code } = await login('pump-7', socket)
    expect(code).toBe(0)
    expect(await client.publish(own)).toBe('acknowledged')
    expect(await plant.event(connected)).toMatchObject({ peer: { address: '2001:db8::7' } })
  })

  test('LOCAL keeps the address of the load balancer, whatever stands in it', async () => {
    await start()
    const { code } = await login('pump-7', await behind(encode(0x20, 0x11, v4('203.0.113.7'))))
    expect(code).toBe(0)
    expect(await plant.event(connected)).toMatchObject({ peer: { address: '127.0.0.1' } })
    await login('pump-8', await behind(encode(0x20, 0x00, Buffer.alloc(0))))
    expect(plant.events.filter(connected)).toHaveLength(2)
  })

  test('a range may be written as IPv4-mapped IPv6', async () => {
    await start({}, ['::ffff:127.0.0.0/104'])
    await login('pump-7', await behind(from4('203.0.113.7')))
    expect(await plant.event(connected)).toMatchObject({ peer: { address: '203.0.113.7' } })
  })

  test('the WebSocket port asks for it too', async () => {
    await start()
    const port = door.wsAddress?.port
    const socket = await behind(from4('203.0.113.7'), port)
    const client = tls.connect({ socket, servername: 'localhost', ...(await plant.as('pump-7')) })
    await once(client, 'secureConnect')
    client.write('GET /elsewhere HTTP/1.1\r\nhost: localhost\r\n\r\n')
    expect(await plant.event(refusedWith('accept/websocket-refused'))).toMatchObject({
      peer: { address: '203.0.113.7' },
    })
    await closed(await dial(Buffer.from([0x16, 0x03, 0x01]), port))
    await plant.event(refusedWith('accept/proxy-header-missing'))
  })

  const missing = 'accept/proxy-header-missing'
  const invalid = 'accept/proxy-header-invalid'
  const long = v4('203.0.113.7')
  test.each([
    ['TLS without a header', missing, Buffer.from([0x16, 0x03, 0x01])],
    ['a header of version 1', missing, Buffer.from('PROXY TCP4 203.0.113.7 192.0.2.1 40000 8883\r\n')],
    [
      'a signature with one wrong byte',
      missing,
      Buffer.concat([signature.subarray(0, 11), Buffer.from([0x0b]), from4('203.0.113.7').subarray(12)]),
    ],
    ['version 1 in binary', invalid, encode(0x11, 0x11, long)],
    ['version 3', invalid, encode(0x31, 0x11, long)],
    ['a command that is none', invalid, encode(0x22, 0x11, long)],
    ['an unknown family', invalid, encode(0x21, 0x00, Buffer.alloc(0))],
    ['UDP over IPv4', invalid, encode(0x21, 0x12, long)],
    ['UDP over IPv6', invalid, encode(0x21, 0x22, Buffer.alloc(36))],
    ['a Unix socket', invalid, encode(0x21, 0x31, Buffer.alloc(216))],
    ['a family without a transport', invalid, encode(0x21, 0x10, long)],
    ['a length short of its addresses', invalid, encode(0x21, 0x11, long, 11)],
    ['IPv6 in the length of IPv4', invalid, encode(0x21, 0x21, long)],
    [
      'a length that takes from what follows',
      invalid,
      Buffer.concat([encode(0x21, 0x11, long, 14), Buffer.from([0x16, 0x03, 0x01])]),
    ],
    ['a length over the bound', invalid, encode(0x21, 0x11, long, 521)],
    ['the greatest length', invalid, encode(0x21, 0x11, long, 65_535)],
    ['LOCAL over the bound', invalid, encode(0x20, 0x00, Buffer.alloc(0), 521)],
    ['huge TLVs', invalid, encode(0x21, 0x11, Buffer.concat([long, tlv(4, Buffer.alloc(60_000))]))],
    [
      'a TLV longer than the header',
      invalid,
      encode(0x21, 0x11, Buffer.concat([long, tlv(4, Buffer.alloc(4), 65_535)])),
    ],
    ['a TLV one byte too long', invalid, encode(0x21, 0x11, Buffer.concat([long, tlv(4, Buffer.alloc(4), 5)]))],
    [
      'half a TLV at the end',
      invalid,
      encode(0x21, 0x11, Buffer.concat([long, tlv(4, Buffer.alloc(4)), Buffer.from([4, 0])])),
    ],
  ])('%s is refused: %s', async (_, code, bytes) => {
    await start()
    const socket = await dial(bytes)
    await closed(socket)
    expect(socket.bytesRead).toBe(0)
    expect(await plant.event(refusedWith(code))).toMatchObject({
      event: 'handshake-refused',
      peer: { address: '127.0.0.1' },
    })
    expect(refusals()).toHaveLength(1)
  })

  test('one that ends, or is reset, before its header is whole is refused', async () => {
    await start()
    const ended = await dial(from4('203.0.113.7').subarray(0, 20))
    ended.end()
    await closed(ended)
    expect(await plant.event(refusedWith(missing))).toMatchObject({ peer: { address: '127.0.0.1' } })
    const reset = await dial(from4('203.0.113.7').subarray(0, 20))
    const second = plant.event(() => refusals().length === 2)
    // what is answered later was read later: the listener has the half header, and waits
    await login('pump-7', await behind(from4('203.0.113.7')))
    reset.resetAndDestroy()
    await second
    expect(refusals().every(refusedWith(missing))).toBe(true)
  })

  test('from an address that is not listed no header is read: it reaches TLS, and fails there', async () => {
    await start({}, ['192.0.2.0/24', '::1'])
    const socket = await behind(from4('203.0.113.7'))
    await expect(RawClient.open(0, await plant.as('pump-7'), { socket })).rejects.toThrow()
    expect(await plant.event(refusedWith('accept/handshake-failed'))).toMatchObject({ peer: { address: '127.0.0.1' } })
    expect(JSON.stringify(plant.events)).not.toContain('203.0.113.7')
    const { client } = await RawClient.connect(door.address.port, await plant.as('pump-7'), 'pump-7')
    expect(await client.publish(own)).toBe('acknowledged')
  })

  test('without a list no header is read', async () => {
    await start({}, [])
    await closed(await dial(from4('203.0.113.7')))
    expect(await plant.event(refusedWith('accept/handshake-failed'))).toMatchObject({ peer: { address: '127.0.0.1' } })
  })

  test('a handshake that fails behind a header is told with the address of the header', async () => {
    await start()
    await closed(await dial(Buffer.concat([from4('203.0.113.7'), Buffer.from('GET / HTTP/1.1\r\n\r\n')])))
    await plant.event(refusedWith('accept/handshake-failed'))
    // reset in the middle: the socket itself knows no peer any more
    const second = plant.event(() => refusals().length === 2)
    const socket = await dial(Buffer.concat([from4('203.0.113.7'), Buffer.from([0x16, 0x03, 0x01])]))
    socket.end()
    await second
    // nothing but a header
    const third = plant.event(() => refusals().length === 3)
    const short = await dial(from4('203.0.113.7'))
    short.end()
    await third
    expect(
      refusals().map(event => [refusedWith('accept/handshake-failed')(event), 'peer' in event && event.peer?.address]),
    ).toEqual(new Array(3).fill([true, '203.0.113.7']))
  })

  test('the header has the deadline of the handshake, and both have one', async () => {
    await start({ handshakeSeconds: 1 })
    const begun = Date.now()
    const silent = await dial(Buffer.alloc(0))
    const half = await dial(from4('203.0.113.7').subarray(0, 27))
    const noHello = await dial(from4('203.0.113.8'))
    await Promise.all([silent, half, noHello].map(closed))
    expect(Date.now() - begun).toBeLessThan(10_000)
    // a while in which a refusal could be told again, as a handshake that failed
    await login('pump-7', await behind(from4('203.0.113.9')))
    expect(refusals().every(refusedWith('accept/handshake-timeout'))).toBe(true)
    const peers = refusals().map(event => 'peer' in event && event.peer?.address)
    expect(peers.sort()).toEqual(['127.0.0.1', '127.0.0.1', '203.0.113.8'])
  })

  test('limit unauthenticatedPerAddress counts the addresses of the headers', async () => {
    await start({ unauthenticatedPerAddress: 1 })
    const tlsFrom = async (address: string): Promise<RawClient> =>
      RawClient.open(0, await plant.as('pump-7'), { socket: await behind(from4(address)) })
    const first = await tlsFrom('203.0.113.7')
    await tlsFrom('203.0.113.8')
    await expect(tlsFrom('203.0.113.7')).rejects.toThrow()
    expect(await plant.event(refusedWith('accept/too-many-waiting'))).toMatchObject({
      peer: { address: '203.0.113.7' },
    })
    // one that logs in, or goes, makes room
    first.send({
      cmd: 'connect',
      clientId: 'pump-7',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: 0,
    })
    expect(await first.next()).toMatchObject({ returnCode: 0 })
    await tlsFrom('203.0.113.7')
  })

  test('limit unauthenticatedPerAddress bounds what waits for a header, sixteen for each', async () => {
    await start({ unauthenticatedPerAddress: 1 })
    const waiting = await Promise.all(Array.from({ length: 16 }, () => dial(Buffer.alloc(0))))
    const one = await dial(Buffer.alloc(0))
    await closed(one)
    expect(await plant.event(refusedWith('accept/too-many-waiting'))).toMatchObject({ peer: { address: '127.0.0.1' } })
    expect(refusals()).toHaveLength(1)
    // a header makes room
    waiting[0]?.write(from4('203.0.113.7'))
    const [socket] = waiting
    if (socket === undefined) throw new Error('none waits')
    const { code } = await login('pump-7', socket)
    expect(code).toBe(0)
    await login('pump-8', await behind(from4('203.0.113.8')))
    expect(plant.events.filter(connected)).toHaveLength(2)
  })

  test('a list with what is no address opens nothing', async () => {
    await start()
    const options = { port: 0, host: '127.0.0.1', tls: tlsFiles(), proxyFrom: ['lb.example'] }
    await expect(listen(plant.guarded, options)).rejects.toThrow(ConfigurationError)
  })

  describe('listen.proxyFrom', () => {
    const configure = (listen: string): Promise<void> =>
      writeFile(
        join(plant.folder, 'portcullis.config.yaml'),
        `listen: ${listen}
tls: { certFile: certs-dev/server.pem, keyFile: certs-dev/server.key }
issuers: { acme: { certificates: [certs-dev/issuing.pem], root: certs-dev/root.pem } }
`,
      )
    beforeEach(() => start())

    test('is read, and refused where it has what is no address', async () => {
      await configure('{ proxyFrom: [10.0.0.5, "2001:db8::/32"] }')
      const { listen: read } = await loadConfiguration(undefined, plant.folder)
      expect(read.proxyFrom).toEqual(['10.0.0.5', '2001:db8::/32'])
      await configure('{ proxyFrom: [10.0.0.5, lb.example, 10.0.0.0/33] }')
      const error: unknown = await loadConfiguration(undefined, plant.folder).catch((reason: unknown) => reason)
      if (!(error instanceof ConfigurationError)) throw new Error('not refused')
      expect(error.problems.map(formatProblem)).toEqual(
        ['lb.example', '10.0.0.0/33'].map(
          text =>
            `portcullis.config.yaml:1:22: config/bad-value: \`listen.proxyFrom\` must be a list of addresses and CIDR ranges, not \`${text}\`\n  help: such as 10.0.0.5, 10.1.0.0/16 or "2001:db8::/32"`,
        ),
      )
    })

    test('reaches `portcullis serve`', async () => {
      await configure('{ host: 127.0.0.1, port: 0, proxyFrom: [127.0.0.0/8] }')
      const main = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))
      const child = spawn(process.execPath, [main, 'serve'], { cwd: plant.folder, stdio: ['ignore', 'pipe', 'pipe'] })
      const exited = once(child, 'exit')
      try {
        const [first] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
        const port = Number(/mqtts:\/\/127\.0\.0\.1:(\d+)/.exec(first)?.[1])
        const { code } = await login('pump-7', await behind(from4('203.0.113.7'), port))
        expect(code).toBe(0)
        for await (const line of createInterface({ input: child.stderr })) {
          if (!line.includes('203.0.113.7')) continue
          expect(line).toContain('pump-7')
          break
        }
      } finally {
        child.kill()
        await exited
      }
    })
  })
})
