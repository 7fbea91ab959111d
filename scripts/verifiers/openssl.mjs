/** OpenSSL: `openssl verify` with RFC 5280 taken at its word, the purpose, and the CRL. */
import { missingTool, runTool } from './run-tool.mjs'

/** @type {import('../verify-certificates.mjs').Verifier} */
export const openssl = {
  name: 'openssl verify -x509_strict -crl_check',
  missing: () => missingTool('openssl', 'openssl'),
  check(pki, leaf) {
    const purpose = leaf.name === 'server' ? 'sslserver' : 'sslclient'
    const trust = ['-CAfile', pki.root, '-untrusted', pki.issuing, '-crl_check', '-CRLfile', pki.crl]
    const { status, said } = runTool('openssl', [
      'verify',
      '-x509_strict',
      '-purpose',
      purpose,
      ...trust,
      leaf.certificate,
    ])
    return { accepted: status === 0, said }
  },
}
