/** SUBSCRIBE, also where a kept subscription is restored (docs/semantics.md 3.2, 3.3, 4.1). */
import type { Decision } from '../../decide/decision.ts'
import { type Problem, problem } from '../../problem.ts'
import type { Connection } from './connection.ts'
import { type GuardContext, type HookContext, internal } from './hooks.ts'
import type { AedesClient, AedesHooks, AedesSubscription, Callback, Qos } from './shape.ts'

export function authorizeSubscribe(context: HookContext): AedesHooks['authorizeSubscribe'] {
  return (client, subscription, callback) => {
    const answer: Callback<[AedesSubscription | null]> = (error, granted) => {
      context.batches.decided(subscription, error === null && granted !== null)
      callback(error, granted)
    }
    try {
      const connection = client === null ? undefined : context.connectionOf(client.conn)
      if (client === null || connection?.session === undefined) return answer(null, null)
      decide(context, client, connection, subscription, answer)
    } catch (error) {
      context.gate.trace({ event: 'alarm', problem: internal(error) })
      answer(null, null)
    }
  }
}

function decide(
  context: HookContext,
  client: AedesClient,
  connection: Connection,
  subscription: AedesSubscription,
  answer: Callback<[AedesSubscription | null]>,
): void {
  const { topic, qos } = subscription
  const isRestored = !client.connackSent
  const refuse = (p: Problem): void => {
    connection.deny({ verb: 'subscribe', topic, qos }, p)
    // one that is kept and no longer allowed has ended; a refused SUBSCRIBE leaves an earlier one as it was
    if (isRestored) void removeKept(context, client, topic)
    answer(null, null)
  }
  const decision = judge(context, connection, subscription)
  if (decision.effect === 'refuse') {
    refuse(decision.problem)
    return
  }
  context.host('authorizeSubscribe').call(context.broker, client, subscription, (error, granted) => {
    if (error || granted === null || granted.topic !== topic || granted.qos > qos) {
      answer(error, null)
      return
    }
    // the host may have taken its time: what has changed meanwhile counts (docs/semantics.md 2.5)
    const again = judge(context, connection, subscription)
    if (again.effect === 'refuse') {
      refuse(again.problem)
      return
    }
    connection.grants.set(topic, Math.min(again.grantedQos ?? qos, granted.qos) as Qos)
    connection.permit({ verb: 'subscribe', topic, qos }, again)
    answer(null, granted)
  })
}

function judge({ gate }: GuardContext, { session, grants }: Connection, asked: AedesSubscription): Decision {
  const none = problem('enforce/not-guarded', 'the session is gone')
  const decision: Decision = session?.subscribe(asked.topic, asked.qos) ?? {
    effect: 'refuse',
    problem: none,
    rules: [],
  }
  if (decision.effect === 'refuse' || grants.has(asked.topic) || grants.size < gate.limits.subscriptions)
    return decision
  const full = problem('enforce/too-many-subscriptions', `the session has ${grants.size} subscriptions already`, {
    help: 'subscribe with wildcards, or raise `limits.subscriptions`',
  })
  return { effect: 'refuse', problem: full, rules: [] }
}

/** Ends live subscriptions that are no longer allowed, without an answer on the wire: MQTT 3.1.1 has none. */
export function endDisallowed(context: GuardContext, client: AedesClient, connection: Connection): void {
  const ended = connection.grants.filters().filter(([filter, qos]) => {
    const decision = connection.session?.subscribe(filter, qos)
    if (decision?.effect !== 'refuse') return false
    connection.report({ verb: 'subscribe', topic: filter, qos }, decision.problem)
    return true
  })
  if (ended.length === 0) return
  const filters = ended.map(([filter]) => filter)
  for (const filter of filters) connection.grants.delete(filter)
  client.unsubscribe(filters, () => undefined)
  for (const filter of filters) void removeKept(context, client, filter)
}

async function removeKept({ broker, gate }: GuardContext, client: AedesClient, filter: string): Promise<void> {
  if (client.clean) return
  await broker.persistence.removeSubscriptions(client, [filter]).catch((error: unknown) => {
    // it stays stored, delivers nothing, and is refused anew at the next log-in
    gate.trace({ event: 'alarm', problem: internal(error) })
  })
}
