// What is measured: how a broker is started, asked for its figures, and stopped.
import { fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

/** By name: the kind of `target.mjs`, or mosquitto. The first is what ratios are taken to. */
export const targets = {
  stock: 'stock',
  'stock again': 'stock',
  handmade: 'handmade',
  plain: 'plain',
  guarded: 'guarded',
  '1,000 rules': 'large',
  mosquitto: 'mosquitto',
}

export const hasMosquitto = () => spawnSync('mosquitto', ['-h']).error === undefined

/** User and system time of a process in microseconds (Linux: /proc/PID/stat, in hundredths of a second). */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

const residentKilobytes = pid => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1])

/** Starts a fresh process; `profileFolder` has a CPU profile written there when it stops. */
export async function startTarget(kind, folder, profileFolder) {
  const { child, port, collect } = await (kind === 'mosquitto'
    ? startMosquitto(folder)
    : startAedes(kind, folder, profileFolder))
  return {
    port,
    cpu: () => cpuOf(child.pid),
    resident: async () => {
      await collect()
      return residentKilobytes(child.pid)
    },
    stop: async () => {
      const gone = once(child, 'exit')
      if (profileFolder === undefined) child.kill('SIGKILL')
      else child.send('stop')
      await gone
    },
  }
}

async function startAedes(kind, folder, profileFolder) {
  const profile = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]
  const child = fork(new URL('./target.mjs', import.meta.url), [kind, folder], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: ['--expose-gc', ...profile],
  })
  const [port] = await once(child, 'message')
  const collect = async () => {
    child.send('collect')
    await once(child, 'message')
  }
  return { child, port, collect }
}

/** Mosquitto cannot pick a free port itself. */
async function startMosquitto(folder) {
  const probe = createServer()
  await new Promise(resolve => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address()
  await new Promise(resolve => probe.close(resolve))
  const file = join(folder, 'mosquitto.conf')
  writeFileSync(
    join(folder, 'mosquitto-now.conf'),
    readFileSync(file, 'utf8').replace('listener 0', `listener ${port}`),
  )
  const child = spawn('mosquitto', ['-c', join(folder, 'mosquitto-now.conf')], { stdio: 'ignore' })
  while (!(await isOpen(port))) if (child.exitCode !== null) throw new Error('mosquitto has ended')
  return { child, port, collect: async () => undefined }
}

async function isOpen(port) {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
