/** Follows what aedes tells of its clients: logged in, unsubscribed, gone, failed. */
import { problem } from '../../problem.ts'
import { endDisallowed } from './hook-subscribe.ts'
import type { GuardContext } from './hooks.ts'
import type { AedesClient } from './shape.ts'

export function followClients(context: GuardContext): void {
  const { broker, gate, connectionOf } = context
  // a client that has gone while it was logged in must not be registered: it would stay for ever
  const register = broker.registerClient
  broker.registerClient = client => {
    if (!client.closed) register.call(broker, client)
  }
  broker.on('connackSent', ({ returnCode }: { returnCode: number }, client: AedesClient) => {
    const connection = connectionOf(client.conn)
    if (connection === undefined) return
    if (returnCode !== 0) {
      connection.refuse(problem('enforce/host-refused', `the broker itself refused with CONNACK ${returnCode}`))
      return
    }
    const recheck = (): void => endDisallowed(context, client, connection)
    connection.session?.on('changed', recheck)
    // the policy may have changed since the kept subscriptions were restored
    recheck()
    connection.ready()
  })
  // its queue has been sent
  broker.on('clientReady', (client: AedesClient) => {
    for (const packet of context.deliveries.release(client.conn)) client.deliverQoS?.(packet, () => undefined)
  })
  broker.on('unsubscribe', (filters: readonly string[], client: AedesClient) => {
    const connection = connectionOf(client.conn)
    for (const filter of filters) connection?.grants.delete(filter)
  })
  broker.on('clientDisconnect', (client: AedesClient) => connectionOf(client.conn)?.leave())
  // what aedes cannot read or write: the reason goes into the `disconnected` event
  const onBadClient = (client: AedesClient, error: Error): void => {
    const connection = connectionOf(client.conn)
    const p = problem('enforce/protocol-error', `the connection was closed: ${error.message}`)
    connection?.ending(p)
    connection?.refuse(p)
  }
  broker.on('clientError', onBadClient)
  broker.on('connectionError', onBadClient)
  // without a listener, an error that aedes reports on the broker ends the process
  broker.on('error', (error: Error) =>
    gate.trace({ event: 'alarm', problem: problem('enforce/broker-error', error.message) }),
  )
}
