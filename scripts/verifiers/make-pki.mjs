/** What the verifiers are shown: made by the commands that people use, in a folder of its own for each key type. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openAuthority, signCrl } from '../../dist/provision/authority.js'
import { runTool } from './run-tool.mjs'

/**
 * `certificate`: leaf, then issuing CA.
 * @typedef {{ readonly name: 'server' | 'device' | 'revoked', readonly certificate: string, readonly key: string, readonly isRevoked: boolean }} Leaf
 * @typedef {{ readonly keyType: string, readonly folder: string, readonly root: string, readonly issuing: string, readonly crl: string,
 *   readonly rootCrl: string, readonly leaves: Readonly<Record<'server' | 'device' | 'revoked', Leaf>> }} Pki
 */

const main = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))
const policies = fileURLToPath(new URL('../../policies', import.meta.url))

/** Runs `portcullis …`; throws with what it said where it fails. */
export function portcullis(folder, ...words) {
  const { status, said } = runTool(process.execPath, [main, ...words], { cwd: folder })
  if (status !== 0) throw new Error(`portcullis ${words.join(' ')} failed: ${said}`)
  return said
}

/** Whether this version writes PKCS#12 files. */
export function pkcs12IsThere() {
  return portcullis('.', 'device', 'issue', '--help').includes('--pkcs12')
}

/** @returns {Pki} */
export function makePki(folder, keyType) {
  mkdirSync(folder)
  cpSync(policies, join(folder, 'policies'), { recursive: true })
  const key = ['--key', keyType]
  portcullis(folder, 'ca', 'create', '--no-passphrase', ...key)
  portcullis(folder, 'ca', 'server', 'broker', '--dns', 'localhost', '--ip', '127.0.0.1', ...key)
  for (const name of ['pump-12', 'pump-13', 'pump-14'])
    portcullis(folder, 'device', 'issue', name, '--set', 'site=s1', ...key)
  // a superseded one too, so that the CRL has entries with and without the reason that matters
  portcullis(folder, 'device', 'revoke', 'pump-14', '--reason', 'cessationOfOperation')
  portcullis(folder, 'device', 'revoke', 'pump-13', '--reason', 'keyCompromise')
  const leaf = (name, file) => ({
    name,
    certificate: join(folder, `${file}.pem`),
    key: join(folder, `${file}.key`),
    isRevoked: name === 'revoked',
  })
  const path = file => join(folder, 'ca', file)
  return {
    keyType,
    folder,
    root: path('root.pem'),
    issuing: path('issuing.pem'),
    crl: path('acme.crl'),
    rootCrl: emptyRootCrl(path),
    leaves: {
      server: leaf('server', 'broker'),
      device: leaf('device', 'pump-12'),
      revoked: leaf('revoked', 'pump-13'),
    },
  }
}

/** Node wants a CRL of every CA of the chain. No command makes one of the root, which is to be offline. */
function emptyRootCrl(path) {
  const root = openAuthority(readFileSync(path('root.pem'), 'utf8'), readFileSync(path('root.key'), 'utf8'))
  const now = Date.now()
  const crl = signCrl(root, {
    number: 1,
    thisUpdate: new Date(now),
    nextUpdate: new Date(now + 86_400_000),
    revoked: [],
  })
  writeFileSync(path('root.crl'), crl.pem)
  return path('root.crl')
}
