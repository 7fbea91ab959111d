/**
 * A port that stays free while its server is away. One of those that the system hands out would not: somebody else may be given it
 * meanwhile, and a client that connects to it again and again may be given it as its own end, and so reach itself.
 */
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

const [first, last] = [10_000, 65_535]
const tries = 50

/** On the loopback. */
export async function freePort(range: readonly [number, number] = handedOut()): Promise<number> {
  const [from, to] = range
  const ports = Array.from({ length: last - first + 1 }, (_, at) => first + at).filter(port => port < from || port > to)
  for (let left = tries; left > 0; left--) {
    const port = ports[randomInt(Math.max(1, ports.length))]
    if (port !== undefined && (await isFree(port))) return port
  }
  throw new Error(`no free port outside of ${range.join(' to ')} was found`)
}

/** What the system takes a port from where it is asked for any, both ends included. Of a system that does not tell: RFC 6335 §6. */
function handedOut(): readonly [number, number] {
  try {
    const [from, to] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/).map(Number)
    return [from ?? 0, to ?? 0]
  } catch {
    return [49_152, 65_535]
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
