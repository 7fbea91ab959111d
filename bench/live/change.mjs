// From a change on the disk to closed connections: `device revoke` (ledger, CRL) one by one, and edits of the policy that make a group of
// devices nobody. Everybody else stays connected.
import { startBroker } from './broker.mjs'

const revocations = 30
const edits = 5
const perEdit = 20

const inParallel = async (all, act, width = 16) => {
  const left = [...all]
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let one = left.pop(); one !== undefined; one = left.pop()) await act(one)
    }),
  )
}

const quantile = (values, q) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))]

function line(what, connections, values, pauseMs) {
  const ms = q => quantile(values, q).toFixed(0).padStart(5)
  console.log(
    `${what.padEnd(18)} ${String(connections).padStart(6)} connections  p50 ${ms(0.5)} ms  p99 ${ms(0.99)} ms  worst ${ms(1)} ms  longest pause ${pauseMs.toFixed(1)} ms`,
  )
}

export async function change(world, { connections }) {
  const broker = await startBroker(world.folder, 'memory')
  const names = Array.from({ length: connections }, (_, index) => `idle-${index}`)
  const idle = []
  await inParallel(names, async name => idle.push(await broker.connect(world.sign('s1', name), name)))
  let closed = 0
  for (const client of idle) client.closed.then(() => closed++)

  const stolen = []
  for (let index = 0; index < revocations; index++) {
    const name = `stolen-${connections}-${index}`
    stolen.push({ name, client: await broker.connect(await world.issue('s1', name), name) })
  }
  await broker.figures()
  const toClose = []
  for (const { name, client } of stolen) {
    const at = performance.now()
    await world.authority.revoke(world.authority.ofName(name), 'keyCompromise')
    await client.closed
    toClose.push(performance.now() - at)
  }
  line('revoke to close', connections, toClose, (await broker.figures()).pauseMs)

  const toEnforced = []
  let pauseMs = 0
  for (let edit = 0; edit < edits; edit++) {
    const site = `closing-${edit}`
    const group = []
    for (let index = 0; index < perEdit; index++) {
      const name = `${site}-${index}`
      group.push(await broker.connect(world.sign(site, name), name))
    }
    await broker.figures()
    const at = performance.now()
    world.writePolicy(site)
    await Promise.all(group.map(client => client.closed.then(() => toEnforced.push(performance.now() - at))))
    pauseMs = Math.max(pauseMs, (await broker.figures()).pauseMs)
  }
  line('edit to enforced', connections, toEnforced, pauseMs)
  if (closed > 0) console.log(`${closed} connections were closed that had nothing to do with it`)
  world.writePolicy()
  await broker.kill()
}
