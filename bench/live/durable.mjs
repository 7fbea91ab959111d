// What a message of QoS 1 costs to a kept session that is away, and to one that is there: the store on the disk against memory.
import { join } from 'node:path'
import { publishAll, receiveAll, startBroker, subscribe } from './broker.mjs'

const middle = list => [...list].sort((a, b) => a - b)[list.length >> 1]

async function measure(world, store, isOnline, messages) {
  const broker = await startBroker(world.folder, store)
  const listener = await broker.connect(world.sign('staff', 'ops-1'), 'ops-1/desk', false)
  await subscribe(listener, 'plant/+/+/telemetry/#')
  if (!isOnline) await listener.close()
  const device = await broker.connect(world.sign('s1', 'pump-1'), 'pump-1')
  const run = async count => {
    const topics = Array.from({ length: count }, () => 'plant/s1/pump-1/telemetry/temp')
    const received = isOnline ? receiveAll(listener, count) : undefined
    await publishAll(device, topics, index => String(index).padStart(100, '.'))
    if (received !== undefined && (await received) !== count) throw new Error('messages were lost')
  }
  await run(Math.ceil(messages / 4))
  const before = await broker.figures()
  const at = performance.now()
  await run(messages)
  const seconds = (performance.now() - at) / 1000
  const after = await broker.figures()
  await broker.kill()
  return { rate: messages / seconds, cpu: (after.cpuMicroseconds - before.cpuMicroseconds) / messages }
}

export async function durable(world, { messages, rounds }) {
  for (const isOnline of [false, true]) {
    const found = { memory: [], disk: [] }
    for (let round = 0; round < rounds; round++) {
      for (const kind of ['memory', 'disk']) {
        const store = kind === 'memory' ? kind : join(world.folder, `store-${isOnline}-${round}`)
        found[kind].push(await measure(world, store, isOnline, messages))
      }
    }
    for (const kind of ['memory', 'disk']) {
      const rate = middle(found[kind].map(one => one.rate))
      const cpu = middle(found[kind].map(one => one.cpu))
      const ratios = found[kind].map((one, round) => one.cpu / found.memory[round].cpu)
      console.log(
        `QoS 1, kept and ${isOnline ? 'online ' : 'offline'}  ${kind.padEnd(6)} ${rate.toFixed(0).padStart(6)} messages/s  ${cpu.toFixed(0).padStart(5)} µs CPU  ${middle(ratios).toFixed(2)} times memory`,
      )
    }
  }
}
