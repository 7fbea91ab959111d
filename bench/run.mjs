// npm run bench -- [--rounds N] [SCENARIO …]: CPU of the broker's process per unit, in interleaved rounds of fresh processes, the
// first of each thrown away. Prints ratios to stock aedes; `stock again` is the error bar. bench/README.md says how to read it.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createIssuing, createRoot, issueLeaf } from '../dist/provision/authority.js'
import { devices, operators, scenarios } from './scenarios.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '8' } },
})
const rounds = Number(values.rounds)
const chosen = positionals.length === 0 ? Object.keys(scenarios) : positionals
const unknown = chosen.find(name => scenarios[name] === undefined)
if (!Number.isInteger(rounds) || rounds < 1 || unknown !== undefined) {
  console.error(
    unknown === undefined ? '--rounds takes a whole number' : `scenarios: ${Object.keys(scenarios).join(', ')}`,
  )
  process.exit(64)
}
const targets = { stock: 'stock', 'stock again': 'stock', handmade: 'handmade', plain: 'plain', guarded: 'guarded' }

const policy = `portcullis: 1
identities:
  device:
    from: { subject.ou: "\${site}", subject.cn: "\${device}" }
    except: { subject.ou: staff }
    unique: [device]
    clientId: "\${device}"
    roles: [sensor]
  staff:
    from: { subject.ou: staff, san.uri: "urn:acme:staff:\${name}" }
    clientId: "\${name}/+"
    roles: [operator]
roles:
  sensor: { allow: [{ publish: "plant/\${site}/\${device}/telemetry/#" }] }
  operator: { allow: [{ subscribe: plant/# }], deny: [{ receive: plant/+/+/telemetry/secret/# }] }
`

/** Certificates and a policy for every client, in a folder that goes when the run ends. */
function prepare() {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const now = () => new Date()
  const root = createRoot({ subject: [['CN', 'bench root']], now, validDays: 30 })
  const issuing = createIssuing(root, { subject: [['CN', 'bench issuing']], now, validDays: 29 })
  const span = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 86_400_000) }
  const write = (name, leaf) => {
    writeFileSync(join(folder, `${name}.pem`), leaf.pem + issuing.pem)
    writeFileSync(join(folder, `${name}.key`), leaf.keyPem, { mode: 0o600 })
  }
  writeFileSync(join(folder, 'root.pem'), root.pem)
  writeFileSync(join(folder, 'issuing.pem'), issuing.pem)
  write(
    'server',
    issueLeaf(issuing, { profile: 'server', subject: [['CN', 'localhost']], sans: { dns: ['localhost'] }, ...span }),
  )
  for (const name of devices) {
    write(
      name,
      issueLeaf(issuing, {
        profile: 'device',
        subject: [
          ['OU', 's1'],
          ['CN', name],
        ],
        ...span,
      }),
    )
  }
  for (const name of operators) {
    const sans = { uri: [`urn:acme:staff:${name}`] }
    write(
      name,
      issueLeaf(issuing, {
        profile: 'device',
        subject: [
          ['OU', 'staff'],
          ['CN', name],
        ],
        sans,
        ...span,
      }),
    )
  }
  mkdirSync(join(folder, 'policies'))
  writeFileSync(join(folder, 'policies', 'bench.yaml'), policy)
  return folder
}

/** User and system time of a process in microseconds (Linux: /proc/PID/stat, in hundredths of a second). */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

async function measure(kind, scenario, folder) {
  const child = fork(new URL('./target.mjs', import.meta.url), [kind, folder], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [port] = await once(child, 'message')
  const text = name => readFileSync(join(folder, name))
  const ca = text('root.pem')
  const world = { port, credentials: name => ({ key: text(`${name}.key`), cert: text(`${name}.pem`), ca }) }
  const session = await scenario.open(world)
  await session.run(Math.ceil(scenario.units / 4))
  const before = cpuOf(child.pid)
  const units = await session.run(scenario.units)
  const spent = (cpuOf(child.pid) - before) / units
  session.close()
  child.kill('SIGKILL')
  await once(child, 'exit')
  return spent
}

const middle = list => [...list].sort((a, b) => a - b)[list.length >> 1]
const folder = prepare()
try {
  console.log(`${rounds} rounds, broker CPU in µs per unit; ratios to stock of the same round: median (least-most)`)
  for (const name of chosen) {
    const spent = Object.fromEntries(Object.keys(targets).map(target => [target, []]))
    for (let round = 0; round < rounds; round++) {
      for (const [target, kind] of Object.entries(targets))
        spent[target].push(await measure(kind, scenarios[name], folder))
    }
    for (const target of Object.keys(targets)) {
      const ratios = spent[target].map((value, round) => value / spent.stock[round])
      const spread = `${middle(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)})`
      console.log(
        `${name.padEnd(14)} ${target.padEnd(12)} ${middle(spent[target]).toFixed(1).padStart(8)} µs   ${spread}`,
      )
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
