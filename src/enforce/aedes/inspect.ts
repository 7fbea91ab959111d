/** What the broker's side of a session is: subscriptions, queue, how much was decided. Only looks. */
import type { QueueLedger } from '../queue-ledger.ts'
import type { GuardContext } from './hooks.ts'
import type { AedesSubscription } from './shape.ts'

export interface BrokerSide {
  /** Each at the QoS that it was granted. */
  readonly subscriptions: readonly AedesSubscription[]
  /** Messages that wait for it at QoS 1 and 2, what is on its way included. */
  readonly queued: { readonly messages: number; readonly bytes: number }
  /** How often something was permitted and refused since it connected; undefined where it is not connected. */
  readonly decided: { readonly permits: number; readonly refusals: number } | undefined
}

/** Of a client id that has a session, live or kept. @example const { subscriptions } = await inspect(context, ledger, 'pump-7') */
export async function inspect(
  { broker, connectionOf }: Pick<GuardContext, 'broker' | 'connectionOf'>,
  ledger: QueueLedger,
  clientId: string,
): Promise<BrokerSide> {
  // an own property: a client may call itself as one that every object has
  const client = Object.hasOwn(broker.clients, clientId) ? broker.clients[clientId] : undefined
  const connection = client && connectionOf(client.conn)
  const subscriptions = connection
    ? connection.grants.filters().map(([topic, qos]) => ({ topic, qos }))
    : (await broker.persistence.subscriptionsByClient({ id: clientId })).map(({ topic, qos }) => ({ topic, qos }))
  return { subscriptions, queued: ledger.waiting(clientId), decided: connection?.decided }
}
