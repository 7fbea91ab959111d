/**
 * The guard's hooks for aedes: each asks the session, then whatever hook the host has. The host's can only narrow.
 * A hook that throws ends aedes' process, so every one of these refuses instead.
 */
import type { Duplex } from 'node:stream'
import type { Gate } from '../../gate.ts'
import type { MappedIdentity } from '../../policy/model.ts'
import { type Problem, problem } from '../../problem.ts'
import type { TracedAction } from '../../trace.ts'
import type { Connection } from './connection.ts'
import type { AedesBroker, AedesClient, AedesHooks, AedesPublish } from './shape.ts'

export interface HookContext {
  readonly gate: Gate
  readonly broker: AedesBroker
  readonly connectionOf: (conn: Duplex) => Connection | undefined
  /** The host's own hook, as it is now. */
  readonly host: <K extends keyof AedesHooks>(name: K) => AedesHooks[K]
}

/** Where the publishes go that a session may not make and that are dropped rather than answered by a close: nobody can subscribe there. */
export const sinkTopic = '$portcullis/dropped'

const internal = (error: unknown): Problem =>
  problem('enforce/internal', `a check failed and refused: ${error instanceof Error ? error.message : 'unknown error'}`)

const unguarded = (): Problem => problem('enforce/not-guarded', 'a connection reached the broker past the guard')

/** An error that aedes reports and closes the connection with; it carries no more than the refusal's code. */
function refusal(p: Problem, returnCode?: number): Error & { returnCode?: number } {
  return Object.assign(new Error(p.code), returnCode === undefined ? {} : { returnCode })
}

/** First line of every log-in: stop reading, so that nothing behind CONNECT is looked at before the session is bound. */
function preConnect(context: HookContext): AedesHooks['preConnect'] {
  return (client, packet, callback) => {
    client.pause()
    const connection = context.connectionOf(client.conn)
    const stop = (p: Problem): void => {
      if (connection === undefined)
        context.gate.trace({ event: 'connect-refused', peer: { address: 'unknown' }, problem: p })
      else connection.refuse(p)
      client.conn.destroy()
      callback(null, false)
    }
    if (connection === undefined || connection.connect !== undefined) return stop(unguarded())
    const will = packet.will
    const clientId = packet.clientId
    connection.connect = {
      clientId,
      protocolVersion: packet.protocolVersion ?? 4,
      clean: packet.clean !== false,
      will: will && {
        topic: will.topic,
        qos: will.qos,
        retain: will.retain,
        payloadBytes: Buffer.byteLength(will.payload ?? ''),
      },
    }
    if ((packet.protocolVersion ?? 4) > 4) {
      connection.refuse(
        problem(
          'enforce/protocol-version',
          `the client speaks MQTT ${packet.protocolVersion}; this broker speaks 3.1.1`,
          {
            help: 'set the client to 3.1.1 (mosquitto: -V 311; mqtt.js: protocolVersion 4; paho: protocol=MQTTv311)',
          },
        ),
      )
      // aedes answers with CONNACK 1 and closes
      callback(null, true)
      return
    }
    try {
      context.host('preConnect').call(context.broker, client, packet, (error, successful) => {
        if (error || successful !== true)
          return stop(problem('enforce/host-refused', "the host's preConnect hook refused"))
        packet.clientId = clientId
        callback(null, true)
      })
    } catch (error) {
      stop(internal(error))
    }
  }
}

function authenticate(context: HookContext): AedesHooks['authenticate'] {
  return (client, username, password, callback) => {
    const connection = context.connectionOf(client.conn)
    const connect = connection?.connect
    if (connection === undefined || connect === undefined) return callback(refusal(unguarded(), 5), null)
    const stop = (p: Problem, returnCode: number, identity?: MappedIdentity): void => {
      const isWill = p.code === 'bind/will-refused' && connect.will !== undefined
      const action: TracedAction = isWill
        ? { verb: 'will', ...connect.will }
        : { verb: 'connect', topic: connect.clientId }
      connection.refuse(p, action, identity)
      callback(refusal(p, returnCode), null)
    }
    const bind = async (): Promise<void> => {
      const admission = await context.gate.admit(connection.peer, connect)
      if (admission.effect === 'refuse') return stop(admission.problem, admission.returnCode, admission.identity)
      const { session } = admission
      // aedes invents an id for an empty one; admission has refused that, and any other id here is not ours
      if (client.id !== session.clientId) {
        session.close()
        return stop(problem('enforce/host-refused', 'the client id was changed after it was bound'), 2)
      }
      context.host('authenticate').call(context.broker, client, username, password, (error, successful) => {
        if (error || successful !== true) {
          session.close()
          return stop(problem('enforce/host-refused', "the host's authenticate hook refused"), error?.returnCode ?? 5)
        }
        if (!connection.bind(session)) return callback(refusal(unguarded(), 5), null)
        session.once('ended', p => endSession(context, client, connection, p))
        callback(null, true)
      })
    }
    bind().catch((error: unknown) => stop(internal(error), 5))
  }
}

/** Closes a session that may not go on: without its will (docs/semantics.md 3.7, 4.2). */
function endSession({ broker }: HookContext, client: AedesClient, connection: Connection, p: Problem): void {
  connection.ending(p)
  client.will = null
  broker.persistence.delWill({ id: client.id, brokerId: broker.id }).catch(() => {
    // the broker's store is the host's: a will that stays there is decided again when due, and this session is refused then
  })
  connection.destroy()
}

function authorizePublish(context: HookContext): AedesHooks['authorizePublish'] {
  return (client, packet, callback) => {
    try {
      const connection = client === null ? undefined : context.connectionOf(client.conn)
      const session = connection?.session
      if (client === null || connection === undefined || session === undefined) return callback(refusal(unguarded()))
      const { topic, qos, retain } = packet
      const payloadBytes = Buffer.byteLength(packet.payload ?? '')
      const decision = session.publish(topic, { qos, retain, payloadBytes })
      if (decision.effect === 'refuse') {
        connection.report(
          { verb: packet === client.will ? 'will' : 'publish', topic, qos, retain, payloadBytes },
          decision.problem,
        )
        // a denied repeat is acknowledged, or one queued message would make the device reconnect for ever (3.6)
        const isDropped =
          packet !== client.will && (packet.dup === true || context.gate.policy.set.settings.onDeniedPublish === 'drop')
        if (!isDropped) {
          connection.ending(decision.problem)
          return callback(refusal(decision.problem))
        }
        packet.topic = sinkTopic
        packet.retain = false
        packet.payload = Buffer.alloc(0)
        return callback(null)
      }
      context.host('authorizePublish').call(context.broker, client, packet, error => {
        if (error) return callback(error)
        const isWidened = packet.topic !== topic || packet.qos !== qos || packet.retain !== retain
        callback(
          isWidened
            ? refusal(problem('enforce/host-refused', 'a hook changed the message after it was decided'))
            : null,
        )
      })
    } catch (error) {
      context.gate.trace({ event: 'alarm', problem: internal(error) })
      callback(refusal(internal(error)))
    }
  }
}

function authorizeSubscribe(context: HookContext): AedesHooks['authorizeSubscribe'] {
  return (client, subscription, callback) => {
    try {
      const connection = client === null ? undefined : context.connectionOf(client.conn)
      const session = connection?.session
      if (client === null || connection === undefined || session === undefined) return callback(null, null)
      const { topic, qos } = subscription
      const decision = session.subscribe(topic, qos)
      const p = decision.effect === 'refuse' ? decision.problem : qosProblem(decision.grantedQos ?? qos, qos)
      if (p !== undefined) {
        connection.report({ verb: 'subscribe', topic, qos }, p)
        // a kept subscription that is no longer allowed comes through here too when it is restored
        if (!client.clean) context.broker.persistence.removeSubscriptions(client, [topic]).catch(() => undefined)
        return callback(null, null)
      }
      context.host('authorizeSubscribe').call(context.broker, client, subscription, (error, granted) => {
        if (error) return callback(error, null)
        callback(null, granted && granted.topic === topic && granted.qos <= qos ? granted : null)
      })
    } catch (error) {
      context.gate.trace({ event: 'alarm', problem: internal(error) })
      callback(null, null)
    }
  }
}

/** aedes fixes the granted QoS before this hook runs, so a lower grant cannot be said: refuse and name the QoS to ask for. */
function qosProblem(granted: number, asked: number): Problem | undefined {
  if (granted >= asked) return undefined
  return problem(
    'enforce/qos-too-high',
    `the policy grants this subscription at QoS ${granted}, and QoS ${asked} was asked for`,
    {
      help: `subscribe with QoS ${granted} (mosquitto_sub -q ${granted})`,
    },
  )
}

function authorizeForward(context: HookContext): AedesHooks['authorizeForward'] {
  return (client, packet): AedesPublish | null | undefined => {
    try {
      const connection = context.connectionOf(client.conn)
      const session = connection?.session
      if (connection === undefined || session === undefined || packet.topic === sinkTopic) return null
      const decision = session.receive(packet.topic)
      if (decision.effect === 'refuse') {
        connection.report({ verb: 'receive', topic: packet.topic }, decision.problem)
        return null
      }
      return context.host('authorizeForward').call(context.broker, client, packet)
    } catch (error) {
      context.gate.trace({ event: 'alarm', problem: internal(error) })
      return null
    }
  }
}

/** All hooks of the guard. */
export function guardHooks(context: HookContext): AedesHooks {
  return {
    preConnect: preConnect(context),
    authenticate: authenticate(context),
    authorizePublish: authorizePublish(context),
    authorizeSubscribe: authorizeSubscribe(context),
    authorizeForward: authorizeForward(context),
  }
}
