/** Java: `keytool` imports a certificate only where it finds a chain to what it trusts; `-printcrl` tells what is revoked. */

import { X509Certificate } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { portcullis } from './make-pki.mjs'
import { missingTool, runTool } from './run-tool.mjs'

const missing = () => missingTool('keytool', 'default-jre-headless')
const password = 'changeit'

/** @type {import('../verify-certificates.mjs').Verifier} */
export const java = {
  name: 'Java keytool -importcert, -printcrl',
  missing,
  check(pki, leaf) {
    const store = join(pki.folder, 'trust.p12')
    const leafAlone = join(pki.folder, 'leaf.pem')
    rmSync(store, { force: true })
    writeFileSync(leafAlone, new X509Certificate(readFileSync(leaf.certificate)).toString())
    const inStore = ['-keystore', store, '-storetype', 'PKCS12', '-storepass', password]
    const add = (alias, file, ...more) =>
      runTool('keytool', ['-importcert', '-alias', alias, '-file', file, ...inStore, ...more])
    // only the root is taken on our word; without a chain keytool would ask, and nobody answers
    const steps = [add('root', pki.root, '-noprompt'), add('issuing', pki.issuing), add('leaf', leafAlone)]
    const listed = runTool('keytool', ['-printcrl', '-file', pki.crl, ...inStore])
    const said = [...steps, listed].map(step => step.said).join('')
    const isImported = steps.every(step => step.status === 0 && step.said.includes('was added to keystore'))
    if (!isImported || !/^Verified by issuing in keystore/m.test(listed.said)) {
      return { accepted: false, said: `not imported, or the CRL not verified:\n${said}` }
    }
    const serial = new X509Certificate(readFileSync(leaf.certificate)).serialNumber
    const isListed = listed.said.includes(`SerialNumber: ${serial.toLowerCase().match(/../g)?.join(':')} `)
    return isListed ? { accepted: false, said: 'revoked: the CRL has its serial' } : { accepted: true, said }
  },
}

/**
 * PKCS#12 files of `device issue --pkcs12`, opened by keytool with their password and with no other. Runs only where the help text lists
 * --pkcs12, and expects `--pkcs12-passphrase-file` and NAME.p12.
 * @type {import('../verify-certificates.mjs').Verifier}
 */
export const javaPkcs12 = {
  name: 'Java keytool -list, .p12',
  leaves: ['device'],
  missing,
  check(pki) {
    const secret = 'correct horse battery'
    writeFileSync(join(pki.folder, 'p12.txt'), `${secret}\n`, { mode: 0o600 })
    portcullis(
      pki.folder,
      'device',
      'issue',
      'pump-15',
      '--set',
      'site=s1',
      '--pkcs12',
      '--pkcs12-passphrase-file',
      'p12.txt',
    )
    const store = ['-keystore', join(pki.folder, 'pump-15.p12'), '-storetype', 'PKCS12', '-storepass']
    const right = runTool('keytool', ['-list', ...store, secret])
    const wrong = runTool('keytool', ['-list', ...store, 'wrong horse'])
    const said = `${right.said}\nwith a wrong password: ${wrong.said}`
    return { accepted: right.status === 0 && /PrivateKeyEntry/.test(right.said) && wrong.status !== 0, said }
  },
}
