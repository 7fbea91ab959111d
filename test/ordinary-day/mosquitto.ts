/** An ordinary day of Debian's mosquitto clients. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { commandTopic, manyMessages, numbered, own, type Place, type Transcript } from './transcript.ts'

function run(place: Place, program: string, name: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  const file = (suffix: string): string => join(place.certs, suffix)
  const tls = ['--cafile', file('ca.pem'), '--cert', file(`${name}.pem`), '--key', file(`${name}.key`)]
  // line by line, though nobody sits at a terminal
  return spawn('stdbuf', ['-oL', program, '-h', 'localhost', '-p', String(place.port), '-V', '311', ...tls, ...args])
}

async function publish(place: Place, name: string, id: string, args: readonly string[], input = ''): Promise<string> {
  const child = run(place, 'mosquitto_pub', name, ['-i', id, ...args])
  child.stdin.end(input)
  const [code] = (await once(child, 'exit')) as [number]
  return `exit ${code}`
}

/** A subscriber that has its SUBACK; `rest` resolves with what it printed when it ends. */
async function subscribe(
  place: Place,
  name: string,
  id: string,
  args: readonly string[],
): Promise<{ child: ChildProcessWithoutNullStreams; rest: Promise<readonly string[]> }> {
  const child = run(place, 'mosquitto_sub', name, ['-d', '-i', id, '-F', '> %t %p qos %q retained %r', ...args])
  let text = ''
  const isSubscribed = new Promise<void>(resolve => {
    child.stdout.on('data', data => {
      text += String(data)
      if (text.includes('Subscribed (mid')) resolve()
    })
  })
  const rest = once(child, 'close').then(() => text.split('\n').filter(line => line.startsWith('> ')))
  await Promise.race([isSubscribed, rest])
  return { child, rest }
}

export async function mosquittoDay(place: Place): Promise<Transcript> {
  const day: Record<string, readonly string[]> = {}
  for (const qos of ['0', '1', '2']) {
    const payloads = numbered(`qos ${qos}`, qos === '2' ? 20 : manyMessages)
    const lines = `${payloads.join('\n')}\n`
    const count = String(payloads.length)
    const operator = await subscribe(place, 'ops-1', 'ops-1/desk', ['-t', own, '-q', qos, '-C', count])
    const sent = await publish(place, 'pump-7', 'pump-7', ['-t', own, '-q', qos, '-l'], lines)
    day[`telemetry at QoS ${qos}`] = [sent, ...(await operator.rest)]
    const pump = await subscribe(place, 'pump-7', 'pump-7', ['-t', commandTopic, '-q', qos, '-C', count])
    const said = await publish(place, 'ops-1', 'ops-1/desk', ['-t', commandTopic, '-q', qos, '-l'], lines)
    day[`commands at QoS ${qos}`] = [said, ...(await pump.rest)]
  }

  await publish(place, 'pump-7', 'pump-7', ['-t', own, '-q', '1', '-r', '-m', 'kept'])
  day['a retained message'] = await (await subscribe(place, 'ops-1', 'ops-1/late', ['-t', own, '-C', '1'])).rest
  await publish(place, 'pump-7', 'pump-7', ['-t', own, '-q', '1', '-r', '-n'])
  const later = await subscribe(place, 'ops-1', 'ops-1/later', ['-t', own, '-C', '1'])
  await publish(place, 'pump-7', 'pump-7', ['-t', own, '-q', '1', '-m', 'marker'])
  day['is cleared'] = await later.rest

  const kept = ['-t', commandTopic, '-q', '1', '-c']
  await (await subscribe(place, 'pump-7', 'pump-7', [...kept, '-E'])).rest
  const offline = `${numbered('offline', 20).join('\n')}\n`
  await publish(place, 'ops-1', 'ops-1/desk', ['-t', commandTopic, '-q', '1', '-l'], offline)
  day['what waited'] = await (await subscribe(place, 'pump-7', 'pump-7', [...kept, '-C', '20'])).rest

  const watcher = await subscribe(place, 'ops-1', 'ops-1/desk', ['-t', 'plant/s1/pump-8/#', '-C', '1'])
  const will = ['--will-topic', 'plant/s1/pump-8/telemetry/last', '--will-payload', 'gone']
  const doomed = await subscribe(place, 'pump-8', 'pump-8', ['-t', 'plant/s1/pump-8/command/start', ...will])
  doomed.child.kill('SIGKILL')
  day['a will'] = await watcher.rest
  return day
}
