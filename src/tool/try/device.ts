/** A device over real TLS: mqtt.js, once, without reconnecting. Tells what came back as an Outcome. */
import type { TLSSocket } from 'node:tls'
import { connect, type IPublishPacket, type MqttClient, type Packet } from 'mqtt'
import type { Qos } from '../../decide/decision.ts'
import type { DeviceCredentials } from './credentials.ts'
import { closedOutcome, connackRefusal, type Outcome } from './outcome.ts'

export interface DeviceOptions {
  readonly credentials: DeviceCredentials
  readonly host: string
  readonly port: number
  readonly clientId: string
}

export interface PublishRequest {
  readonly topic: string
  readonly payload: string
  readonly qos: Qos
  readonly retain: boolean
}

export interface SubscribeRequest {
  readonly filter: string
  readonly qos: Qos
  /** Leave after so many messages, or when this is aborted. */
  readonly count: number | undefined
  readonly signal: AbortSignal
  readonly onGranted: (qos: number) => void
  readonly onMessage: (packet: IPublishPacket) => void
}

const answerSeconds = 10

export class Device {
  readonly #client: MqttClient
  readonly #ended: Promise<Outcome>
  #end: (outcome: Outcome) => void = () => undefined

  constructor(options: DeviceOptions) {
    const { credentials, host, port, clientId } = options
    const state = { isSecure: false, isConnected: false }
    let lastError: Error | undefined
    this.#ended = new Promise(resolve => {
      this.#end = resolve
    })
    this.#client = connect({
      protocol: 'mqtts',
      host,
      port,
      clientId,
      cert: credentials.cert,
      key: credentials.key,
      ca: credentials.ca,
      protocolVersion: 4,
      clean: true,
      reconnectPeriod: 0,
      connectTimeout: answerSeconds * 1000,
    })
    const socket = this.#client.stream as TLSSocket
    socket.once('secureConnect', () => {
      state.isSecure = true
    })
    this.#client.on('connect', () => {
      state.isConnected = true
    })
    this.#client.on('error', error => {
      lastError ??= error
      if (/connack timeout/i.test(error.message))
        this.#end({ kind: 'failed', sentence: `no answer from ${host}:${port} within ${answerSeconds} s` })
    })
    this.#client.on('packetreceive', packet => {
      if (packet.cmd === 'connack' && packet.returnCode) this.#end(connackRefusal(packet.returnCode))
    })
    this.#client.on('close', () => this.#end(closedOutcome(state, lastError, { host, port })))
  }

  /** Publishes; `permitted` where the broker acknowledged it or, at QoS 0, went on answering afterwards. */
  async publish({ topic, payload, qos, retain }: PublishRequest): Promise<Outcome> {
    const isPublished = this.#connected().then(() => {
      const answered = this.#packet(packet =>
        qos === 0 ? packet.cmd === 'pingresp' : packet.cmd === 'puback' || packet.cmd === 'pubcomp',
      )
      this.#client.publish(topic, payload, { qos, retain })
      if (qos === 0) this.#client.sendPing()
      return answered
    })
    return this.#leave(await Promise.race([isPublished.then((): Outcome => ({ kind: 'permitted' })), this.#ended]))
  }

  /** Subscribes and hands on what arrives until it is time to leave. */
  async subscribe(request: SubscribeRequest): Promise<Outcome> {
    const listened = this.#connected().then(() => this.#listen(request))
    return this.#leave(await Promise.race([listened, this.#ended]))
  }

  async #listen({ filter, qos, count, signal, onGranted, onMessage }: SubscribeRequest): Promise<Outcome> {
    let left = count ?? Number.POSITIVE_INFINITY
    const enough = new Promise<Outcome>(resolve => {
      const done = (): void => resolve({ kind: 'permitted' })
      if (signal.aborted) done()
      signal.addEventListener('abort', done, { once: true })
      this.#client.on('message', (_topic, _payload, packet) => {
        if (left-- > 0) onMessage(packet)
        if (left <= 0) done()
      })
    })
    const answered = this.#packet(packet => packet.cmd === 'suback')
    // mqtt.js refuses an impossible filter itself, and tells it here only
    const unsent = new Promise<Outcome>(resolve => {
      this.#client.subscribe(filter, { qos }, error => {
        if (error?.message.startsWith('Invalid topic'))
          resolve({ kind: 'refused', wire: 'not sent, since this is no topic filter', atConnect: false })
      })
    })
    const suback = await Promise.race([answered, unsent])
    if ('kind' in suback) return suback
    const granted = suback.cmd === 'suback' ? Number(suback.granted[0]) : 128
    if (granted >= 128) return { kind: 'refused', wire: 'SUBACK 0x80', atConnect: false }
    onGranted(granted)
    return enough
  }

  #connected(): Promise<void> {
    return new Promise(resolve => {
      this.#client.once('connect', () => resolve())
    })
  }

  #packet(fits: (packet: Packet) => boolean): Promise<Packet> {
    return new Promise(resolve => {
      const look = (packet: Packet): void => {
        if (!fits(packet)) return
        this.#client.off('packetreceive', look)
        resolve(packet)
      }
      this.#client.on('packetreceive', look)
    })
  }

  async #leave(outcome: Outcome): Promise<Outcome> {
    await this.#client.endAsync(outcome.kind !== 'permitted').catch(() => undefined)
    return outcome
  }
}
