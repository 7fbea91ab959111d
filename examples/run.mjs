// Runs the examples: the guarded broker first, then each device against it, then the authority; checks what they print.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ensureDevCerts } from '../dist/provision/dev-certs.js'

const certs = mkdtempSync(join(tmpdir(), 'portcullis-examples-'))
await ensureDevCerts(certs, () => new Date())
let failures = 0

function report(name, isRight, output) {
  console.log(`${isRight ? 'ok     ' : 'FAILED '} ${name}`)
  if (isRight) return
  failures += 1
  console.log(output)
}

const broker = spawn(process.execPath, ['examples/guard-existing-aedes/index.mjs', certs, 'policies', '0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const [line] = await once(createInterface({ input: broker.stdout }), 'line')
const port = /:(\d+)$/.exec(line)?.[1]
report('guard-existing-aedes', port !== undefined, line)

function example(name, command, args, expected) {
  return new Promise(resolve => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', text => (output += text))
    child.on('close', () => {
      report(
        name,
        expected.every(text => output.includes(text)),
        output,
      )
      resolve()
    })
  })
}

await example(
  'device-node',
  process.execPath,
  ['examples/device-node/index.mjs', certs, 'pump-7', 's1', port],
  ['commands: subscribed', 'telemetry: acknowledged'],
)
const python = ['python3', '/usr/bin/python3'].find(
  command => spawnSync(command, ['-c', 'import paho.mqtt.client']).status === 0,
)
if (python === undefined)
  console.log('SKIPPED device-python: no Python with paho-mqtt here (Debian: apt-get install python3-paho-mqtt)')
else
  await example(
    'device-python',
    python,
    ['examples/device-python/device.py', certs, 'pump-8', 's1', port],
    ['telemetry: acknowledged'],
  )

await example(
  'issue-certificates',
  process.execPath,
  ['examples/issue-certificates/index.mjs', join(certs, 'issued'), 'policies'],
  ['planned: device:site=s1,device=pump-12, client id pump-12', 'issued: ', 'revoked: 1, on '],
)

broker.kill()
await once(broker, 'exit')
rmSync(certs, { recursive: true, force: true })
process.exitCode = failures === 0 ? 0 : 1
