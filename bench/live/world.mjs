// The folder that every scenario starts in: an authority with its ledger, policies, and certificates of devices and operators.
import { mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issueLeaf, openAuthority } from '../../dist/provision/authority.js'
import { createKeys, keyPem } from '../../dist/provision/keys.js'
import { createCertificateAuthority, loadPolicyFolder, openCertificateAuthority } from '../../dist/provision-api.js'

const hourMs = 3_600_000
const access = { by: 'bench@live' }

/** `closedSite`: its devices are nobody any more. */
const policy = (closedSite, edit) => `portcullis: 1
# edit ${edit}
identities:
  device:
    from: { subject.ou: "\${site}", subject.cn: "\${device}" }
    except: { subject.ou: [staff${closedSite === undefined ? '' : `, ${closedSite}`}] }
    unique: [device]
    clientId: "\${device}"
    roles: [device]
  staff:
    from: { subject.ou: staff, subject.cn: "\${name}" }
    clientId: "\${name}/+"
    roles: [operator]
roles:
  device:
    allow:
      - publish: "plant/\${site}/\${device}/telemetry/#"
      - subscribe: "plant/\${site}/\${device}/command/#"
  operator: { allow: [{ subscribe: plant/+/+/telemetry/# }, { publish: plant/+/+/command/# }] }
`

function taken(result) {
  if (!result.ok) throw new Error(result.problem.sentence)
  return result.value
}

/** Makes the folder; the caller removes it. */
export async function makeWorld() {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-live-'))
  const file = (...names) => join(folder, ...names)
  mkdirSync(file('policies'))
  let edits = 0
  const writePolicy = closedSite => {
    writeFileSync(file('policies', '.new'), policy(closedSite, edits++))
    renameSync(file('policies', '.new'), file('policies', 'bench.yaml'))
  }
  writePolicy()
  await createCertificateAuthority(file('ca'), { ...access, name: 'acme' })
  const authority = await openCertificateAuthority(file('ca'), access)
  const { set } = await loadPolicyFolder(file('policies'), { issuers: ['acme'] })
  const text = name => readFileSync(file('ca', name), 'utf8')
  const issuing = openAuthority(text('issuing.pem'), text('issuing.key'))
  const span = { notBefore: new Date(Date.now() - hourMs), notAfter: new Date(Date.now() + 24 * hourMs) }
  const sign = (profile, unit, name, sans) => {
    const subject = [...(unit === undefined ? [] : [['OU', unit]]), ['CN', name]]
    const leaf = issueLeaf(issuing, { profile, subject, ...(sans && { sans }), ...span })
    return { cert: leaf.pem + issuing.pem, key: leaf.keyPem, ca: text('root.pem') }
  }
  const own = sign('server', undefined, 'broker', { dns: ['localhost'] })
  writeFileSync(file('server.pem'), own.cert)
  writeFileSync(file('server.key'), own.key, { mode: 0o600 })
  return {
    folder,
    authority,
    writePolicy,
    /** Past the ledger, since it is many: what only connects. */
    sign: (unit, name) => sign('device', unit, name),
    /** What is to be revoked. */
    issue: async (site, name) => {
      const keys = createKeys('p256')
      const wish = { set, name, kind: 'device', captures: { site }, publicKey: keys.publicKey }
      const { chainPem } = taken(await authority.issue(taken(authority.planDevice(wish))))
      return { cert: chainPem, key: keyPem(keys.privateKey), ca: text('root.pem') }
    },
  }
}
