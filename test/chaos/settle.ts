/** The end of a run: every kept session gets what waits for it, and a last message behind all of it. */
import { once } from 'node:events'
import type { Client } from './client.ts'
import type { Node } from './node.ts'
import type { Run } from './run.ts'

export async function settle(run: Run): Promise<void> {
  const node = run.nodes[0]
  if (node === undefined) return
  if (!node.isReady) await run.within(once(node, 'ready'), () => 'a broker starts')
  const kept = run.clients.filter(client => client.isKept)
  for (const client of run.clients) await run.within(client.leave(), () => `${client.clientId} is let go`)
  for (const client of kept) {
    await entered(run, client, node)
    const place = client.who.role === 'device' ? client.who.name : '+'
    const granted = await run.within(client.subscribe(`plant/s1/${place}/end/#`, 1), () => 'SUBACK')
    if (granted === undefined) throw new Error(`${client.clientId} was disconnected at the end`)
    // what was under way comes to its end first: it would be sent behind what is newer
    await acknowledged(run, client)
    await client.leave()
  }
  const [sender] = kept.filter(client => client.who.role === 'operator')
  const [device] = kept.filter(client => client.who.role === 'device')
  for (const [from, to] of [
    [sender, kept.filter(client => client.who.role === 'device')],
    [device, kept.filter(client => client.who.role === 'operator')],
  ] as const) {
    if (from === undefined) continue
    await entered(run, from, node)
    for (const { who } of to) from.publish(`plant/s1/${who.role === 'device' ? who.name : from.who.name}/end/x`, 1)
    await acknowledged(run, from)
    await from.leave()
  }
  for (const client of kept) {
    await entered(run, client, node)
    // the queue is sent after CONNACK and ahead of nothing: as long as something of it comes, there may be more
    await run
      .within(drained(client, run), () => 'all of the queue')
      .catch(() => run.journal.note(client.clientId, `has waited for ${run.oracle.owes(client.clientId)} messages`))
  }
  for (const client of kept) await client.leave()
}

/** Everything of its own has been acknowledged. */
async function acknowledged(run: Run, client: Client): Promise<void> {
  await run.within(
    pinged(client, () => client.inFlight === 0),
    () => `${client.clientId} is acknowledged`,
  )
}

async function drained(client: Client, run: Run): Promise<void> {
  await pinged(client, () => run.oracle.owes(client.clientId) === 0)
  // a repeat would come now
  await client.ping()
}

/** A PINGRESP after the other: each is an event that something else may have come before. */
async function pinged(client: Client, isSo: () => boolean): Promise<void> {
  while (!isSo()) if (!(await client.ping())) throw new Error(`${client.clientId} was disconnected`)
}

/** A node refuses log-ins until it has found its Redis again: they are tried anew. */
async function entered(run: Run, client: Client, node: Node): Promise<void> {
  let isOver = false
  const tried = async (): Promise<void> => {
    while (!(isOver || (await client.connect(node, false))));
  }
  await run
    .within(tried(), () => `${client.clientId} logs in`)
    .finally(() => {
      isOver = true
    })
}
