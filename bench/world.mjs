// The folder that every target starts from: certificates, a small policy and one of a thousand rules, Mosquitto's configuration.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createIssuing, createRoot, issueLeaf } from '../dist/provision/authority.js'
import { devices, operators, strangers } from './scenarios.mjs'

const identities = `portcullis: 1
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
`
const policy = `${identities}roles:
  sensor: { allow: [{ publish: "plant/\${site}/\${device}/telemetry/#" }] }
  operator: { allow: [{ subscribe: plant/# }], deny: [{ receive: plant/+/+/telemetry/secret/# }] }
`

/** A thousand rules, and those that the scenarios need among the last. */
function largePolicy() {
  const lines = count => Array.from({ length: count }, (_, index) => index)
  const sensor = lines(500).map(index => `      - publish: "plant/\${site}/\${device}/part-${index}/+/state"`)
  const operator = lines(400).map(index => `      - subscribe: hall/line-${index}/#`)
  const denied = lines(97).map(index => `      - receive: plant/+/+/telemetry/secret-${index}/#`)
  return `${identities}roles:
  sensor:
    allow:
${sensor.join('\n')}
      - publish: "plant/\${site}/\${device}/telemetry/#"
  operator:
    allow:
${operator.join('\n')}
      - subscribe: plant/#
    deny:
${denied.join('\n')}
      - receive: plant/+/+/telemetry/secret/#
`
}

const mosquitto = folder => `listener 0 127.0.0.1
cafile ${folder}/root.pem
certfile ${folder}/server.pem
keyfile ${folder}/server.key
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file ${folder}/mosquitto.acl
max_queued_messages 0
max_inflight_messages 0
user root
`
const mosquittoAcl = `pattern write plant/s1/%u/telemetry/#
${operators.map(name => `user ${name}\ntopic read plant/#`).join('\n')}
`

/** Makes the folder; the caller removes it. */
export function makeWorld() {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const now = () => new Date()
  const root = createRoot({ subject: [['CN', 'bench root']], now, validDays: 30 })
  const issuing = createIssuing(root, { subject: [['CN', 'bench issuing']], now, validDays: 29 })
  const span = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 86_400_000) }
  const put = (name, text) => writeFileSync(join(folder, name), text, { mode: 0o600 })
  const issue = (name, profile, subject, sans) => {
    const leaf = issueLeaf(issuing, { profile, subject, ...(sans && { sans }), ...span })
    put(`${name}.pem`, leaf.pem + issuing.pem)
    put(`${name}.key`, leaf.keyPem)
  }
  put('root.pem', root.pem)
  put('issuing.pem', issuing.pem)
  issue('server', 'server', [['CN', 'localhost']], { dns: ['localhost'] })
  const subjectOf = (unit, name) => [
    ['OU', unit],
    ['CN', name],
  ]
  for (const name of [...devices, ...strangers]) issue(name, 'device', subjectOf('s1', name))
  for (const name of operators) issue(name, 'device', subjectOf('staff', name), { uri: [`urn:acme:staff:${name}`] })
  for (const [name, text] of [
    ['policies', policy],
    ['policies-large', largePolicy()],
  ]) {
    mkdirSync(join(folder, name))
    put(`${name}/bench.yaml`, text)
  }
  put('mosquitto.conf', mosquitto(folder))
  put('mosquitto.acl', mosquittoAcl)
  return folder
}
