/**
 * Drain: ends every connection of a broker that is about to stop. MQTT 3.1.1 lets a server say nothing before it closes
 * [MQTT-4.8]: what was written before is still sent, and wills are sent as on any other loss (docs/semantics.md 3.7).
 */
import { setImmediate } from 'node:timers/promises'
import { inSlices } from '../../bind/in-slices.ts'
import { type Problem, problem } from '../../problem.ts'
import { type GuardContext, sinkTopic } from './hooks.ts'
import type { AedesClient } from './shape.ts'

/** What is left goes on until somebody destroys it. */
export interface Drained {
  readonly ended: number
  readonly left: number
}

/** Ends all sessions, and resolves when they are gone or the time is over. */
export async function drain(
  { broker, connectionOf }: Pick<GuardContext, 'broker' | 'connectionOf'>,
  withinMs: number,
): Promise<Drained> {
  const clients = (): readonly AedesClient[] => Object.values(broker.clients).filter(client => client !== undefined)
  const stopping = problem('enforce/draining', 'the broker is stopping')
  const departed = departures(broker)
  const before = clients().length
  let isLate = false
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(() => {
      isLate = true
      resolve()
    }, withinMs)
  })
  const end = async (due: readonly AedesClient[], why: Problem): Promise<void> => {
    await inSlices(due, client => {
      if (!isLate) connectionOf(client.conn)?.part(why)
    })
    if (isLate) return
    await Promise.all(due.flatMap(client => [departed(client), closed(client)]))
    await published(broker)
  }
  // a will tells those who are still there
  await Promise.race([end(clients().filter(hasWill), stopping), late])
  await Promise.race([end(clients(), stopping), late])
  clearTimeout(timer)
  const left = clients().length
  return { ended: Math.max(0, before - left), left }
}

const hasWill = ({ will }: AedesClient): boolean => will !== undefined && will !== null

/** When the broker is done with a client: it has then begun to publish its will. */
function departures(broker: GuardContext['broker']): (client: AedesClient) => Promise<void> {
  const waiting = new Map<AedesClient, () => void>()
  broker.on('clientDisconnect', (client: AedesClient) => {
    waiting.get(client)?.()
    waiting.delete(client)
  })
  return client =>
    broker.clients[client.id] === client ? new Promise(resolve => waiting.set(client, resolve)) : Promise.resolve()
}

function closed({ conn }: AedesClient): Promise<void> {
  return conn.closed ? Promise.resolve() : new Promise(resolve => conn.once('close', () => resolve()))
}

/** Resolves when what was published before has been stored and handed out: one that nobody receives goes the same way behind it. */
async function published(broker: GuardContext['broker']): Promise<void> {
  const last = { cmd: 'publish', topic: sinkTopic, payload: Buffer.alloc(0), qos: 1, retain: false } as const
  await new Promise<void>(resolve => broker.publish({ ...last }, null, () => resolve()))
  // aedes writes to a receiver a turn after it was handed a message
  await setImmediate()
  await setImmediate()
}
