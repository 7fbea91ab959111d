/** Every delivery to a connected client: live, retained and queued (docs/semantics.md 3.4, 5.1). aedes wants its answer at once. */
import { problem } from '../../problem.ts'
import type { Connection } from './connection.ts'
import { type HookContext, internal, reservedTopics } from './hooks.ts'
import type { AedesClient, AedesHooks, AedesPublish, Qos } from './shape.ts'

export function authorizeForward(context: HookContext): AedesHooks['authorizeForward'] {
  return (client, packet): AedesPublish | null | undefined => {
    try {
      const connection = context.connectionOf(client.conn)
      const session = connection?.session
      if (connection === undefined || session === undefined || packet.topic.startsWith(reservedTopics)) return null
      if (mustWait(client, connection, packet)) {
        hold(context, client, connection, packet)
        return null
      }
      if (isRepeat(context, client, connection, packet)) return null
      const decision = session.receive(packet.topic)
      const action = { verb: 'receive', topic: packet.topic } as const
      if (decision.effect === 'refuse') {
        // aedes would take it out of the queue, which may be that of a newer certificate; where it is nobody's, it is purged
        if (session.hasEnded) context.deliveries.keep(packet)
        else connection.report(action, decision.problem)
        return null
      }
      const qos = packet.qos === 0 ? 0 : Math.min(packet.qos, connection.grants.highest(packet.topic))
      if (!hasRoom(context, connection, packet.topic, qos)) {
        context.deliveries.keep(packet)
        return null
      }
      const host = context.host('authorizeForward')
      const forwarded = host.call(context.broker, client, packet)
      if (!forwarded) return null
      connection.permit(action, decision)
      // what has an identifier comes from the queue of a kept session, which aedes clears when it is acknowledged
      const isOwn = qos === 0 && !packet.messageId && (client.connected || client.connecting)
      const bytes = isOwn ? context.encoder?.encode(forwarded, host.name === aedesDefault) : undefined
      if (bytes !== undefined) {
        connection.output.add(bytes)
        return null
      }
      // the packet is shared between its receivers: a lower QoS needs a copy [MQTT-3.8.4-6]
      return forwarded.qos <= qos ? forwarded : { ...forwarded, qos: qos as Qos }
    } catch (error) {
      context.gate.trace({ event: 'alarm', problem: internal(error) })
      return null
    }
  }
}

/** Whether it comes live while the queue of a kept session is still being sent; what has an identifier is of the queue. */
function mustWait(client: AedesClient, { grants }: Connection, packet: AedesPublish): boolean {
  if (client.clean || !client.connecting || client.deliverQoS === undefined) return false
  return packet.qos > 0 && packet.messageId === undefined && grants.highest(packet.topic) > 0
}

/** A client that takes its queue more slowly than new messages come is ended: they all wait in its queue. */
function hold(
  { gate, deliveries }: HookContext,
  client: AedesClient,
  connection: Connection,
  packet: AedesPublish,
): void {
  const bytes = deliveries.hold(client.conn, packet)
  deliveries.keep(packet)
  if (bytes <= gate.limits.backlogBytes) return
  connection.close(problem('accept/backlog-full', `${bytes} bytes came while the queue was still being sent`))
}

/** Whether another subscription of this connection, or its queue, has brought the message; what has an identifier comes from there. */
function isRepeat(
  { deliveries }: HookContext,
  client: AedesClient,
  { grants }: Connection,
  packet: AedesPublish,
): boolean {
  const isOnlyWay = grants.size < 2 && (client.clean || packet.qos === 0)
  if (isOnlyWay || packet.messageId !== undefined || deliveries.claim(client.conn, packet)) return false
  deliveries.keep(packet)
  return true
}

/** The name of the hook that aedes 1.2 has where the host has none: it forwards the message as it is. */
const aedesDefault = 'defaultAuthorizeForward'

/**
 * A client that does not read must not hold up the others: what is QoS 0 is dropped above half of the backlog limit, and
 * above the whole of it the connection ends. Its kept session loses nothing of QoS 1 and 2.
 */
function hasRoom({ gate }: HookContext, connection: Connection, topic: string, qos: number): boolean {
  const { backlogBytes } = gate.limits
  const waiting = connection.output.backlog
  if (waiting > backlogBytes) {
    connection.close(problem('accept/backlog-full', `the client has not taken ${waiting} bytes`))
    return false
  }
  if (qos > 0 || waiting <= backlogBytes / 2) return true
  connection.report(
    { verb: 'receive', topic },
    problem('enforce/slow-subscriber', `dropped at QoS 0: the client has not taken ${waiting} bytes`),
  )
  return false
}
