// What is compared: the same certificate made in several ways. `share` makes slow ones do fewer.
import { execFileSync, spawn } from 'node:child_process'
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createSerial, signCrl, signLeaf } from '../../dist/provision/authority.js'
import { createCa, openCa } from '../../dist/provision/ca-folder.js'
import { readRequest } from '../../dist/provision/csr.js'
import { issueBatch } from '../../dist/provision/issue-batch.js'
import { writeIssuingRequest } from '../../dist/provision/issuing-request.js'
import { createKeys, keyPem } from '../../dist/provision/keys.js'
import { encodeName } from '../../dist/provision/names.js'
import { planDevice, withKey } from '../../dist/provision/plan-device.js'
import { loadPolicyFolder } from '../../dist/source/folder.js'
import { deviceFiles, stageDevice, threeFiles } from '../../dist/tool/device/device-files.js'

const main = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))
const python = fileURLToPath(new URL('./issue.py', import.meta.url))
/** Debian keeps it beside the path. */
const easyRsa = '"$(command -v easyrsa || ls /usr/share/easy-rsa/easyrsa)"'
const policy = `portcullis: 1
identities:
  device: { from: { subject.ou: "\${site}", subject.cn: "\${device}" }, unique: [device], clientId: "\${device}", roles: [sensor] }
roles:
  sensor: { allow: [{ publish: "plant/\${site}/\${device}/#" }] }
`
const now = () => new Date()

export async function makeAuthority(folder) {
  mkdirSync(join(folder, 'policies'))
  writeFileSync(join(folder, 'policies/plant.yaml'), policy)
  const options = { keyType: 'p256', passphrase: undefined, rootDays: 3650, issuingDays: 1825, crlDays: 30 }
  await createCa(join(folder, 'ca'), { name: 'acme', ...options }, { now, by: 'bench' })
  const ca = await openCa(join(folder, 'ca'), undefined, { now, by: 'bench' })
  const { set } = await loadPolicyFolder(join(folder, 'policies'), {})
  return { folder, ca, set, issuer: { name: 'acme', only: new Map() } }
}

function planOf({ ca, set, issuer }, name, publicKey) {
  const identity = {
    kind: 'device',
    captures: new Map([
      ['site', 's1'],
      ['device', name],
    ]),
  }
  const plan = planDevice(ca, { set, issuer, identity, name, publicKey, days: 365 })
  if (!plan.ok) throw new Error(plan.problem.sentence)
  return plan.value
}

function writePair(out, name, key, certificate) {
  writeFileSync(join(out, `${name}.key`), key, { mode: 0o600 })
  writeFileSync(join(out, `${name}.pem`), certificate)
}

/** What `device issue --batch` does; threads are started whatever there is to do. */
const batch = (keyType, jobs) => async (world, out, count, round) => {
  const { publicKey } = createKeys()
  const rows = Array.from({ length: count }, (_, index) => {
    const plan = planOf(world, `b${round}-${index}-${randomBytes(3).toString('hex')}`, publicKey)
    return { plan, place: '' }
  })
  const { issued } = await issueBatch(world.ca, rows, {
    keyType,
    jobs,
    worthwhileMs: 0,
    stage: device => stageDevice(deviceFiles(out, device.name, true, threeFiles), device, threeFiles, world.ca),
    recover: async () => 'elsewhere',
  })
  if (issued.length !== count) throw new Error(`${issued.length} of ${count} issued`)
}

export const targets = {
  'floor: key, one signature, two files': {
    run: (_, out, count) => {
      const { privateKey: ca } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      for (let index = 0; index < count; index++) {
        const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
        const spki = publicKey.export({ type: 'spki', format: 'der' })
        const tbs = Buffer.concat([randomBytes(300), createHash('sha256').update(spki).digest(), spki])
        const der = Buffer.concat([tbs, sign('sha256', tbs, ca)])
        writePair(out, `f${index}`, privateKey.export({ type: 'pkcs8', format: 'pem' }), der.toString('base64'))
      }
    },
  },
  'portcullis: key, CSR, proof, plan, sign': {
    run: (world, out, count) => {
      for (let index = 0; index < count; index++) {
        const keys = createKeys()
        const pem = writeIssuingRequest({ name: encodeName([['CN', `d${index}`]]), keys })
        const request = readRequest(Buffer.from(pem))
        if (!request.ok) throw new Error(request.problem.sentence)
        const plan = withKey(planOf(world, `d${index}`, request.value.publicKey), request.value.publicKey)
        const signed = signLeaf(world.ca.authority, { ...plan, serialHex: createSerial() })
        writePair(out, `d${index}`, keyPem(keys.privateKey), signed.pem)
      }
    },
  },
  'portcullis: batch, ledger, every file flushed': { run: batch('p256', 1) },
  'portcullis: the same, all cores': { run: batch('p256', availableParallelism()) },
  'portcullis: batch, rsa2048': { share: 0.32, run: batch('rsa2048', 1) },
  'portcullis: batch, rsa2048, all cores': { share: 0.32, run: batch('rsa2048', availableParallelism()) },
  'Python cryptography: key, CSR, proof, sign': {
    needs: `python3 -c 'import cryptography'`,
    run: ({ folder }, out, count) => void execFileSync('python3', [python, join(folder, 'ca'), out, String(count)]),
  },
  'openssl req and x509, two processes': {
    share: 0.1,
    needs: 'command -v openssl',
    run: ({ folder }, out, count) => {
      const ca = join(folder, 'ca')
      for (let index = 0; index < count; index++) {
        const base = join(out, `o${index}`)
        const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${base}.key`]
        execFileSync('openssl', ['req', '-new', ...key, '-out', `${base}.csr`, '-subj', `/OU=s1/CN=o${index}`], {
          stdio: 'ignore',
        })
        const signer = ['-CA', join(ca, 'issuing.pem'), '-CAkey', join(ca, 'issuing.key'), '-days', '365']
        execFileSync('openssl', ['x509', '-req', '-in', `${base}.csr`, ...signer, '-out', `${base}.pem`], {
          stdio: 'ignore',
        })
      }
    },
  },
  'easy-rsa build-client-full': {
    share: 0.05,
    needs: 'command -v easyrsa || test -x /usr/share/easy-rsa/easyrsa',
    run: ({ folder }, _out, count, round) => {
      const env = {
        ...process.env,
        EASYRSA_PKI: join(folder, 'easy-rsa'),
        EASYRSA_ALGO: 'ec',
        EASYRSA_CURVE: 'prime256v1',
      }
      const easyrsa = (...words) =>
        execFileSync('sh', ['-c', `${easyRsa} --batch "$@"`, 'easyrsa', ...words], { env, stdio: 'ignore' })
      if (!existsSync(env.EASYRSA_PKI)) {
        easyrsa('init-pki')
        easyrsa('build-ca', 'nopass')
      }
      for (let index = 0; index < count; index++) easyrsa('build-client-full', `e${round}-${index}`, 'nopass')
    },
  },
  'cfssl gencert, one process': {
    share: 0.1,
    needs: 'command -v cfssl && command -v cfssljson',
    run: ({ folder }, out, count) => {
      const ca = ['-ca', join(folder, 'ca/issuing.pem'), '-ca-key', join(folder, 'ca/issuing.key')]
      for (let index = 0; index < count; index++) {
        const request = JSON.stringify({ CN: `c${index}`, key: { algo: 'ecdsa', size: 256 }, names: [{ OU: 's1' }] })
        const made = execFileSync('cfssl', ['gencert', '-loglevel=5', ...ca, '-'], { input: request })
        execFileSync('cfssljson', ['-bare', join(out, `c${index}`)], { input: made })
      }
    },
  },
}

/** The command itself, in a process of its own; its memory is looked at as it goes. */
export async function runBatchCommand({ folder }, table, out) {
  const began = performance.now()
  const child = spawn(process.execPath, [main, 'device', 'issue', '--batch', table, '--out', out], {
    cwd: folder,
    stdio: 'ignore',
  })
  const seen = []
  const timer = setInterval(() => {
    try {
      const [, kb = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? []
      seen.push(Math.round(Number(kb) / 1024))
    } catch {
      // it has ended
    }
  }, 200)
  const code = await new Promise(resolve => child.once('exit', resolve))
  clearInterval(timer)
  if (code !== 0) throw new Error(`the batch ended with exit code ${code}`)
  return { seconds: (performance.now() - began) / 1000, peakMb: Math.max(...seen), quarterMb: seen[seen.length >> 2] }
}

export function writeLargeCrl({ ca }, entries) {
  const revoked = Array.from({ length: entries }, () => ({
    serialHex: createSerial(),
    date: now(),
    reason: 'keyCompromise',
  }))
  const began = performance.now()
  const { der } = signCrl(ca.authority, {
    number: 1,
    thisUpdate: now(),
    nextUpdate: new Date(Date.now() + 86_400_000),
    revoked,
  })
  return { ms: performance.now() - began, bytes: der.length }
}
