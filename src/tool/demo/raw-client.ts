/** A client made of bytes: TLS with any certificate, packets written as they are, answers read one by one. */
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import mqttPacket, { type Packet } from 'mqtt-packet'

export interface Credentials {
  readonly key?: string
  readonly cert?: string
  readonly ca: string
}

export class RawClient {
  readonly socket: tls.TLSSocket
  readonly closed: Promise<void>
  /** What carries MQTT. */
  readonly stream: Duplex
  readonly #packets: Packet[] = []
  readonly #waiting: ((packet: Packet | undefined) => void)[] = []
  #isClosed = false

  constructor(socket: tls.TLSSocket, stream: Duplex = socket) {
    this.socket = socket
    this.stream = stream
    socket.on('error', () => undefined)
    const parser = mqttPacket.parser()
    parser.on('packet', packet => {
      const waiter = this.#waiting.shift()
      if (waiter === undefined) this.#packets.push(packet)
      else waiter(packet)
    })
    stream.on('data', data => parser.parse(data))
    this.closed = new Promise(resolve => {
      const end = (): void => {
        this.#isClosed = true
        for (const waiter of this.#waiting.splice(0)) waiter(undefined)
        resolve()
      }
      socket.once('close', end)
    })
  }

  /** Opens TLS; rejects where the handshake fails on the client's side. */
  static async open(port: number, credentials: Credentials, options: tls.ConnectionOptions = {}): Promise<RawClient> {
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ...credentials, ...options })
    await once(socket, 'secureConnect')
    return new RawClient(socket)
  }

  /** Opens TLS and sends CONNECT; resolves with the CONNACK code, or `closed`. */
  static async connect(
    port: number,
    credentials: Credentials,
    clientId: string,
    connect: Record<string, unknown> = {},
  ): Promise<{ client: RawClient; code: number | 'closed' }> {
    const client = await RawClient.open(port, credentials)
    return { client, code: await client.login(clientId, connect) }
  }

  /** Sends CONNECT; resolves with the CONNACK code, or `closed`. */
  async login(clientId: string, connect: Record<string, unknown> = {}): Promise<number | 'closed'> {
    this.send({
      cmd: 'connect',
      clientId,
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: 0,
      ...connect,
    } as Packet)
    const answer = await this.next()
    return answer?.cmd === 'connack' ? (answer.returnCode ?? -1) : 'closed'
  }

  send(...packets: Packet[]): void {
    this.write(Buffer.concat(packets.map(packet => mqttPacket.generate(packet))))
  }

  write(bytes: Uint8Array): void {
    if (!this.stream.destroyed) this.stream.write(bytes)
  }

  /** The next packet; undefined when the connection has closed. */
  next(): Promise<Packet | undefined> {
    const packet = this.#packets.shift()
    if (packet !== undefined) return Promise.resolve(packet)
    if (this.#isClosed) return Promise.resolve(undefined)
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** Publishes at QoS 1 and waits for what comes: `acknowledged` or `closed`. */
  async publish(
    topic: string,
    payload = 'x',
    options: Record<string, unknown> = {},
  ): Promise<'acknowledged' | 'closed'> {
    this.send({ cmd: 'publish', topic, payload, qos: 1, messageId: 7, dup: false, retain: false, ...options } as Packet)
    const answer = await this.next()
    return answer?.cmd === 'puback' ? 'acknowledged' : 'closed'
  }

  /** Subscribes and resolves with the granted QoS per filter; 128 is a refusal. */
  async subscribe(...filters: string[]): Promise<readonly number[] | 'closed'> {
    this.send({ cmd: 'subscribe', messageId: 9, subscriptions: filters.map(topic => ({ topic, qos: 0 })) } as Packet)
    const answer = await this.next()
    return answer?.cmd === 'suback' ? (answer.granted as number[]) : 'closed'
  }

  async close(): Promise<void> {
    this.socket.destroy()
    await this.closed
  }
}
