/** Which configured CA signed a CRL. */
import { fail, ok, problem, type Result } from '../problem.ts'
import type { CaCertificate } from './ca-certificate.ts'
import type { ConfiguredCa } from './ca-rules.ts'
import { type Crl, verifyCrl } from './crl.ts'
import type { ConfiguredIssuer } from './issuers.ts'

/** Issuing CAs and root of one issuer. */
export function casOf(issuer: ConfiguredIssuer): readonly ConfiguredCa[] {
  return [...issuer.cas, issuer.root]
}

/** The CA of this issuer that signed the CRL (RFC 5280 §6.3.3): name, key identifier where given, signature, and cRLSign. */
export function signerOf(issuer: ConfiguredIssuer, crl: Crl, file: string): Result<CaCertificate> {
  const named = casOf(issuer)
    .map(ca => ca.certificate)
    .filter(ca => ca.subjectName.equals(crl.issuer))
  if (named.length === 0) {
    const help = `name the CA under issuers.${issuer.name}, or the file under the issuer that it belongs to`
    return fail(
      problem('accept/foreign-crl', `the CRL is of a CA that issuer \`${issuer.name}\` does not name`, {
        where: { file },
        help,
      }),
    )
  }
  const signer = named.find(ca => namesKeyOf(crl, ca) && verifyCrl(crl, ca.x509.publicKey))
  if (signer === undefined) {
    const help = 'fetch the CRL again from the CA itself'
    return fail(
      problem('accept/bad-crl-signature', 'the CRL is not signed by the CA that it names', { where: { file }, help }),
    )
  }
  if (signer.signsCrls) return ok(signer)
  const sentence = `the CA (${signer.file}) may not sign CRLs: its keyUsage has no cRLSign`
  return fail(
    problem('accept/bad-crl-signature', sentence, { where: { file }, help: 'have the CA issued again with cRLSign' }),
  )
}

function namesKeyOf(crl: Crl, ca: CaCertificate): boolean {
  if (crl.authorityKeyId === undefined || ca.subjectKeyId === undefined) return true
  return crl.authorityKeyId.equals(ca.subjectKeyId)
}

/** Serial numbers compare as lower-case hex without leading `00`, however the caller wrote them. */
export function comparableSerial(serialHex: string): string {
  return serialHex.toLowerCase().replace(/^(?:00)+(?=..)/, '')
}
