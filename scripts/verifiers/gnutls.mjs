/** GnuTLS: `certtool --verify` of the chain, with the purpose and the CRL. */
import { missingTool, runTool } from './run-tool.mjs'

/** @type {import('../verify-certificates.mjs').Verifier} */
export const gnutls = {
  name: 'GnuTLS certtool --verify --load-crl',
  missing: () => missingTool('certtool', 'gnutls-bin'),
  check(pki, leaf) {
    const purpose = leaf.name === 'server' ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2'
    const { status, said } = runTool('certtool', [
      '--verify',
      ...['--verify-purpose', purpose],
      ...['--load-ca-certificate', pki.root],
      ...['--load-crl', pki.crl],
      ...['--infile', leaf.certificate],
    ])
    // without the chain's verdict, exit code 0 says nothing
    return { accepted: status === 0 && /Chain verification output: Verified/.test(said), said }
  },
}
