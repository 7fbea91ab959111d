// A broker is killed with queues full of acknowledged messages, and started again: how long that takes, and that none is lost.
import { join } from 'node:path'
import { publishAll, receiveAll, startBroker, subscribe } from './broker.mjs'

const sessions = 20

export async function restart(world, { queued }) {
  const store = join(world.folder, 'store-restart')
  const first = await startBroker(world.folder, store)
  const credentials = new Map()
  for (let index = 0; index < sessions; index++) {
    const name = `queue-${index}`
    credentials.set(name, world.sign('s1', name))
    const client = await first.connect(credentials.get(name), name, false)
    await subscribe(client, `plant/s1/${name}/command/#`)
    await client.close()
  }
  const names = [...credentials.keys()]
  const operator = await first.connect(world.sign('staff', 'ops-1'), 'ops-1/desk')
  const topics = Array.from({ length: queued }, (_, index) => `plant/s1/${names[index % sessions]}/command/run`)
  const fillAt = performance.now()
  await publishAll(operator, topics, index => String(index).padStart(100, '.'))
  const fillSeconds = (performance.now() - fillAt) / 1000
  await first.kill()
  const second = await startBroker(world.folder, store)
  const at = performance.now()
  const counts = await Promise.all(
    names.map(async (name, index) => {
      const client = await second.connect(credentials.get(name), name, false)
      const expected = topics.filter((_, number) => number % sessions === index).length
      const count = await receiveAll(client, expected)
      await client.close()
      return count
    }),
  )
  const got = counts.reduce((sum, count) => sum + count, 0)
  const drainSeconds = (performance.now() - at) / 1000
  await second.kill()
  console.log(
    `restart with ${queued} queued messages of ${sessions} sessions: filled in ${fillSeconds.toFixed(1)} s, listening after ${(second.startMs / 1000).toFixed(2)} s, ${got} delivered in ${drainSeconds.toFixed(1)} s, ${queued - got} lost`,
  )
  if (got !== queued) process.exitCode = 1
}
