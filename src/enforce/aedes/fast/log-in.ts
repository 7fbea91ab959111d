/**
 * Log-in: the end of aedes 1.2.0's own log-in (`lib/handlers/connect.js`, from behind `authenticate`) for a clean session, in the
 * same order, but for a will, which counts from when its client is registered. What is left out is the sending of what was queued: aedes builds a pipeline of three streams for it in every
 * log-in, and nothing is kept for a clean session, since the gate has ended what was (docs/semantics.md 2.3).
 */
import { connackAccepted } from '../../../bind/connack-code.ts'
import type { AedesBroker, AedesClient, AedesPublish } from '../shape.ts'

/** What of aedes' client is not public, or not to be written to. */
interface Entering {
  _authorized: boolean
  _keepaliveInterval: number
  _keepaliveTimer: NodeJS.Timeout | null
  connecting: boolean
  connected: boolean
  connackSent: boolean
  will: AedesPublish | null | undefined
  _will: AedesPublish | null | undefined
  emit(event: string, ...values: readonly unknown[]): boolean
  resume(): void
}

type PublicPart = Omit<AedesClient, keyof Entering>
type EnteringClient = PublicPart & Entering

function isEntering(client: PublicPart & Partial<Entering>): client is EnteringClient {
  return (
    client._authorized === false &&
    client._keepaliveInterval === -1 &&
    client.connecting === true &&
    typeof client.emit === 'function' &&
    typeof client.resume === 'function'
  )
}

/**
 * Logs a client in that has been let in; false where that is left to aedes: a kept session, or a client of another build.
 * @example if (!logIn(broker, client, keepAliveSeconds)) callback(null, true)
 */
export function logIn(broker: AedesBroker, client: AedesClient, keepAliveSeconds: number): boolean {
  const entering: PublicPart & Partial<Entering> = client as never
  if (!client.clean || !isEntering(entering)) return false
  if (entering.closed || broker.closed) return true
  entering._authorized = true
  if (keepAliveSeconds > 0) watchKeepAlive(broker, entering, keepAliveSeconds)
  enter(broker, entering).catch((error: unknown) => {
    entering.connecting = false
    entering.emit('error', error)
  })
  return true
}

/** [MQTT-3.1.2-24]: one and a half times what the client has promised. aedes starts the timer anew with each packet. */
function watchKeepAlive(broker: AedesBroker, client: EnteringClient, seconds: number): void {
  client._keepaliveInterval = seconds * 1500 + 1
  client._keepaliveTimer = setTimeout(() => {
    broker.emit('keepaliveTimeout', client)
    client.emit('error', new Error('keep alive timeout'))
  }, client._keepaliveInterval)
}

async function enter(broker: AedesBroker, client: EnteringClient): Promise<void> {
  const { persistence } = broker
  await persistence.cleanSubscriptions(client)
  await persistence.delWill(client)
  const will = client._will
  if (will) await persistence.putWill(client, will)
  // a client that went before it was let in has no will to leave
  if (client.closed) return void (will && (await persistence.delWill(client)))
  client.will = will
  broker.registerClient(client)
  await persistence.cleanIncoming?.(client)
  if (client.closed) return
  client.conn.write(connackAccepted)
  broker.emit('connackSent', { cmd: 'connack', returnCode: 0, sessionPresent: false }, client)
  client.connackSent = true
  client.connecting = false
  client.connected = true
  broker.emit('clientReady', client)
  client.emit('connected')
  // from here on it reads what comes
  client.resume()
}
