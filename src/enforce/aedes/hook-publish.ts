/** PUBLISH and wills (docs/semantics.md 3.1, 3.6, 3.7). */
import { identityKey } from '../../bind/identity-key.ts'
import type { Decision } from '../../decide/decision.ts'
import { identityText } from '../../policy/identity-text.ts'
import { parseTopicName } from '../../policy/topic.ts'
import { type Problem, problem } from '../../problem.ts'
import type { Connection } from './connection.ts'
import { type HookContext, internal, refusal, sinkTopic, unguarded } from './hooks.ts'
import type { AedesClient, AedesHooks, AedesPublish } from './shape.ts'
import { isStaleWill } from './stale-will.ts'
import { ownerOfWill } from './will-owner.ts'

export function authorizePublish(context: HookContext): AedesHooks['authorizePublish'] {
  return (client, packet, callback) => {
    try {
      if (client === null || isStaleWill(client, packet)) return decideStaleWill(context, packet, callback)
      const connection = context.connectionOf(client.conn)
      if (connection?.session === undefined) return callback(refusal(unguarded()))
      decide(context, client, connection, packet, callback)
    } catch (error) {
      context.gate.trace({ event: 'alarm', problem: internal(error) })
      callback(refusal(internal(error)))
    }
  }
}

type Answer = (error?: Error | null) => void

function decide(
  context: HookContext,
  client: AedesClient,
  connection: Connection,
  packet: AedesPublish,
  callback: Answer,
): void {
  const isWill = packet === client.will
  const { topic, qos, retain } = packet
  const payloadBytes = Buffer.byteLength(packet.payload ?? '')
  const action = { verb: isWill ? 'will' : 'publish', topic, qos, retain, payloadBytes } as const
  const decision = judge(context, connection, packet, payloadBytes)
  if (decision.effect === 'refuse') {
    connection.deny(action, decision.problem)
    // a denied repeat is acknowledged, or one queued message would make the device reconnect for ever (3.6)
    const isDropped = !isWill && (packet.dup === true || context.gate.policy.set.settings.onDeniedPublish === 'drop')
    if (isDropped) {
      drop(packet)
      context.holdAnswer(packet)
    } else connection.ending(decision.problem)
    callback(isDropped ? null : refusal(decision.problem))
    return
  }
  context.host('authorizePublish').call(context.broker, client, packet, error => {
    const isWidened = packet.topic !== topic || packet.qos !== qos || packet.retain !== retain
    if (!error && !isWidened) {
      connection.permit(action, decision)
      // its receivers are not told that it was sent more than once [MQTT-3.3.1-3]
      packet.dup = false
      if (!isWill) context.holdAnswer(packet)
    }
    callback(error ?? (isWidened ? refusal(changedByHost()) : null))
  })
}

const changedByHost = (): Problem => problem('enforce/host-refused', 'a hook changed the message after it was decided')

/** The policy's answer, and then whether a retained message would be one too many. */
function judge(
  { retained, gate }: HookContext,
  { session }: Connection,
  { topic, qos, retain }: AedesPublish,
  payloadBytes: number,
): Decision {
  if (session === undefined) return { effect: 'refuse', problem: unguarded(), rules: [] }
  const decision = session.publish(topic, { qos, retain, payloadBytes })
  if (decision.effect === 'refuse' || !retain) return decision
  if (payloadBytes === 0) {
    retained.clear(topic)
    return decision
  }
  if (retained.set(topic, identityKey(session.identity))) return decision
  const { retainedTopics } = gate.limits
  const tooMany = problem(
    'enforce/too-many-retained',
    `this identity holds ${retainedTopics} retained topics already`,
    {
      help: 'clear some by an empty retained message, or raise `limits.retainedTopics`',
    },
  )
  return { effect: 'refuse', problem: tooMany, rules: [] }
}

/** aedes acknowledges it as any other; it goes where nobody can listen, and keeps nothing of what it carried. */
function drop(packet: AedesPublish): void {
  packet.topic = sinkTopic
  packet.retain = false
  packet.payload = Buffer.alloc(0)
}

const nobodys = (): Problem => problem('bind/unowned', 'nobody answers for this will any more')

/**
 * The will of a client that another broker had, of a cluster or in an earlier life: decided under what its owner may do now. A
 * refused one is dropped, not answered by an error: aedes would try it again for ever.
 */
function decideStaleWill({ gate }: HookContext, packet: AedesPublish, callback: Answer): void {
  const { topic, qos, retain, clientId = '' } = packet
  const payloadBytes = Buffer.byteLength(packet.payload ?? '')
  const whose = ownerOfWill(packet)
  const owner =
    whose === undefined
      ? (gate.liveSession(clientId)?.mapping ?? gate.keptMapping(clientId))
      : gate.mappingOf(whose, clientId)
  const name = parseTopicName(topic)
  const decision: Decision =
    owner === undefined || !name.ok
      ? { effect: 'refuse', problem: name.ok ? nobodys() : name.problem, rules: [] }
      : owner.rights.publish(name.value, { qos, retain, payloadBytes })
  if (decision.effect === 'refuse') {
    gate.trace({
      event: 'refused',
      peer: { address: 'offline', clientId, ...(owner === undefined ? {} : { who: identityText(owner.identity) }) },
      action: { verb: 'will', topic, qos, retain, payloadBytes },
      problem: decision.problem,
      revision: gate.policy.revision,
    })
    drop(packet)
  }
  callback(null)
}
