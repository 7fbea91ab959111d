// What is measured. Each scenario brings its clients up, and then runs for a number of units (messages, deliveries, connections), of which
// it says how many it did; `memory` measures what the units leave behind instead of what they cost.
import { once } from 'node:events'
import tls from 'node:tls'
import mqttPacket from 'mqtt-packet'

const payload = Buffer.alloc(100, 'x')
const bytesOf = packet => mqttPacket.generate(packet)
const publish = (topic, qos) =>
  bytesOf({ cmd: 'publish', topic, payload, qos, messageId: 1, dup: false, retain: false })
/** Most messages under way at once. */
const window = 200

/** A logged-in client; what it receives is counted in bytes. */
async function login(world, name, clientId, filter) {
  const socket = tls.connect({
    port: world.port,
    host: '127.0.0.1',
    servername: 'localhost',
    ...world.credentials(name),
  })
  socket.setNoDelay(true)
  await once(socket, 'secureConnect')
  socket.write(bytesOf({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId, clean: true, keepalive: 0 }))
  const [connack] = await once(socket, 'data')
  if (connack[3] !== 0) throw new Error(`${clientId} was refused with ${connack[3]}`)
  if (filter !== undefined) {
    socket.write(bytesOf({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: filter, qos: 0 }] }))
    const [suback] = await once(socket, 'data')
    if (suback[4] !== 0) throw new Error(`${clientId} may not subscribe to ${filter}`)
  }
  return socket
}

const strangersMeasured = 1000
const strangersBefore = 8000
const stranger = index => `new-${String(index).padStart(4, '0')}`
const device = index => `dev-${String(index).padStart(3, '0')}`
const topicOf = index => `plant/s1/${device(index)}/telemetry/temp`

/** Publishers and receivers; `perMessage` deliveries for each message, all of one size. */
function flow({ publishers, receivers, perMessage, qos = 0 }) {
  return async world => {
    let received = 0
    let wake = () => {}
    const size = publish(topicOf(0), 0).length
    const sinks = await Promise.all(receivers.map(([name, clientId, filter]) => login(world, name, clientId, filter)))
    for (const sink of sinks) {
      sink.on('data', data => {
        received += data.length
        wake()
      })
    }
    const sources = await Promise.all(
      publishers.map(async index => ({
        socket: await login(world, device(index), device(index)),
        bytes: publish(topicOf(index), qos),
      })),
    )
    for (const { socket } of sources) socket.resume()
    return {
      run: async units => {
        const messages = Math.ceil(units / perMessage)
        received = 0
        for (let sent = 0; sent < messages; ) {
          const { socket, bytes } = sources[sent % sources.length]
          socket.write(bytes)
          sent++
          while (sent - received / size / perMessage >= window) await new Promise(resolve => (wake = resolve))
        }
        while (received < messages * perMessage * size) await new Promise(resolve => (wake = resolve))
        return messages * perMessage
      },
      close: () => {
        for (const socket of [...sinks, ...sources.map(one => one.socket)]) socket.destroy()
      },
    }
  }
}

const upTo = count => Array.from({ length: count }, (_, index) => index)
const operator = index => [`ops-${index}`, `ops-${index}/bench`]

export const scenarios = {
  'fan-in QoS 0': {
    units: 100_000,
    open: flow({ publishers: upTo(50), receivers: [[...operator(0), 'plant/s1/#']], perMessage: 1 }),
  },
  'fan-in QoS 1': {
    units: 80_000,
    open: flow({ publishers: upTo(50), receivers: [[...operator(0), 'plant/s1/#']], perMessage: 1, qos: 1 }),
  },
  'fan-out': {
    units: 300_000,
    open: flow({
      publishers: [0],
      receivers: upTo(200).map(index => [...operator(index), topicOf(0)]),
      perMessage: 200,
    }),
  },
  pairs: {
    units: 80_000,
    open: flow({
      publishers: upTo(100),
      receivers: upTo(100).map(index => [...operator(index), topicOf(index)]),
      perMessage: 1,
    }),
  },
  'connect, seen': {
    units: 3000,
    open: connects(() => device),
  },
  // warmed up with many other strangers, so that what is measured is the certificate and not the compiler
  'connect, first seen': {
    units: strangersMeasured,
    warmUp: strangersBefore,
    open: connects(() => {
      let count = 0
      return () => stranger(count++)
    }),
  },
  subscribe: {
    units: 40_000,
    open: async world => {
      const [name, clientId] = operator(0)
      const socket = await login(world, name, clientId)
      let counter = 0
      let answered = 0
      let wake = () => {}
      // SUBACK of one filter has 5 bytes, UNSUBACK 4
      socket.on('data', data => {
        answered += data.length
        wake()
      })
      return {
        run: async units => {
          answered = 0
          const pairs = units / 2
          for (let sent = 0; sent < pairs; sent++) {
            const topic = `plant/s1/line-${counter++}/#`
            socket.write(
              Buffer.concat([
                bytesOf({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 0 }] }),
                bytesOf({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [topic] }),
              ]),
            )
            while (sent - answered / 9 >= 16) await new Promise(resolve => (wake = resolve))
          }
          while (answered < pairs * 9) await new Promise(resolve => (wake = resolve))
          return units
        },
        close: () => socket.destroy(),
      }
    },
  },
  idle: {
    units: 800,
    warmUp: 200,
    memory: true,
    open: async world => {
      const sockets = []
      let next = 0
      return {
        run: async units => {
          for (let done = 0; done < units; done += 8) {
            const batch = upTo(8).map(() => operator(next++ % 200)[0])
            sockets.push(
              ...(await Promise.all(batch.map((name, index) => login(world, name, `${name}/${next}-${index}`)))),
            )
          }
          return units
        },
        close: () => {
          for (const socket of sockets) socket.destroy()
        },
      }
    },
  },
}

/** Full handshakes, CONNECT and close, eight at a time; `namer` says with which certificate. */
function connects(namer) {
  return async world => {
    const nameOf = namer()
    return {
      run: async units => {
        for (let done = 0; done < units; done += 8) {
          const names = upTo(8).map(index => nameOf(index))
          const sockets = await Promise.all(names.map(name => login(world, name, name)))
          await Promise.all(
            sockets.map(socket => {
              socket.destroy()
              return once(socket, 'close')
            }),
          )
        }
        return units
      },
      close: () => {},
    }
  }
}

/** Certificates that the scenarios need. */
export const devices = upTo(100).map(device)
export const operators = upTo(200).map(index => operator(index)[0])
export const strangers = upTo(strangersBefore + strangersMeasured).map(stranger)
