/** Python: a real TLS handshake of its `ssl`, and the path validation of `cryptography` with the CRL read by it. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { runTool } from './run-tool.mjs'

const interpreters = ['python3', '/usr/bin/python3']
const program = name => fileURLToPath(new URL(name, import.meta.url))

/** The first interpreter that can import it. */
function interpreterWith(imports) {
  return interpreters.find(command => spawnSync(command, ['-c', `import ${imports}`]).status === 0)
}

function check(imports, file) {
  return (pki, leaf) => {
    const { status, said } = runTool(interpreterWith(imports), [
      program(file),
      ...[pki.root, pki.issuing, pki.crl, pki.leaves.server.certificate, pki.leaves.server.key],
      ...[leaf.name === 'server' ? 'server' : 'client', leaf.certificate, leaf.key],
    ])
    return { accepted: status === 0, said }
  }
}

function missing(imports, help) {
  return () => (interpreterWith(imports) === undefined ? help : undefined)
}

/** @type {import('../verify-certificates.mjs').Verifier} */
export const pythonHandshake = {
  name: 'Python ssl, handshake, strict and CRL',
  missing: missing('ssl', 'no python3 here (Debian: apt-get install python3)'),
  check: check('ssl', 'python_handshake.py'),
}

/** @type {import('../verify-certificates.mjs').Verifier} */
export const pythonVerification = {
  name: 'Python cryptography x509.verification',
  missing: missing(
    'cryptography.x509.verification',
    'no cryptography 42 or later here (Debian 13: apt-get install python3-cryptography; else pip install cryptography)',
  ),
  check: check('cryptography.x509.verification', 'python_verification.py'),
}
