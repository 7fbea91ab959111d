// A fresh broker process, and clients of it.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { RawClient } from '../../dist/tool/demo/raw-client.js'

export async function startBroker(folder, store) {
  const beganAt = performance.now()
  const child = fork(new URL('./target.mjs', import.meta.url), [folder, store], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [port] = await once(child, 'message')
  return {
    startMs: performance.now() - beganAt,
    /** Longest pause since it was last asked, and CPU in all. */
    figures: async () => {
      child.send('figures')
      return (await once(child, 'message'))[0]
    },
    kill: async () => {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
    connect: async (credentials, clientId, clean = true) => {
      const { client, code } = await RawClient.connect(port, credentials, clientId, { clean })
      if (code !== 0) throw new Error(`${clientId} was not let in: ${code}`)
      return client
    },
  }
}

export async function subscribe(client, topic) {
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] })
  const answer = await client.next()
  if (answer?.granted?.[0] !== 1) throw new Error(`no subscription to ${topic}`)
}

/** Publishes at QoS 1, at most `window` at once, and waits for every PUBACK. */
export async function publishAll(client, topics, payload, window = 200) {
  let sent = 0
  const send = () => {
    const messageId = (sent % 65_535) + 1
    client.send({
      cmd: 'publish',
      topic: topics[sent],
      payload: payload(sent),
      qos: 1,
      messageId,
      dup: false,
      retain: false,
    })
    sent++
  }
  while (sent < Math.min(window, topics.length)) send()
  for (let answered = 0; answered < topics.length; ) {
    const packet = await client.next()
    if (packet === undefined) throw new Error('the publisher was disconnected')
    if (packet.cmd !== 'puback') continue
    answered++
    if (sent < topics.length) send()
  }
}

/** Takes and acknowledges `count` messages; returns how many different payloads there were. */
export async function receiveAll(client, count) {
  const seen = new Set()
  while (seen.size < count) {
    const packet = await client.next()
    if (packet === undefined) break
    if (packet.cmd !== 'publish') continue
    seen.add(String(packet.payload))
    client.send({ cmd: 'puback', messageId: packet.messageId })
  }
  return seen.size
}
