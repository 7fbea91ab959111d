/**
 * What the machine does on which the root's key is kept: judges the request of an issuing CA and signs it. It knows nothing
 * of the plant but the root, so that whatever a request could smuggle in is refused here.
 */
import type { KeyObject } from 'node:crypto'
import { readCaCertificate } from '../accept/ca-certificate.ts'
import { brokenCaRules, isIssuedBy } from '../accept/ca-rules.ts'
import { type Certificate, parseCertificate } from '../authenticate/certificate.ts'
import { displayName, readName } from '../authenticate/names.ts'
import { fail, ok, PortcullisError, type Problem, problem, type Result } from '../problem.ts'
import { type Authority, type SignedCertificate, signIssuing } from './authority.ts'
import { issuingValidity } from './ca-validity.ts'
import { readRequest } from './csr.ts'
import { caNameOf, isCaName, notAnAuthority } from './issuing-cas.ts'
import { keyHashOf, keyIdOf } from './keys.ts'
import { encodeName } from './names.ts'

export interface RootAtHand {
  readonly certificate: Certificate
  readonly authority: Authority
}

export interface SignedIssuing {
  readonly signed: SignedCertificate
  readonly subjectText: string
  /** SHA-256 of the public key, hex: to be compared with what the other machine said. */
  readonly keyHash: string
  readonly ignored: readonly string[]
}

/** Throws ConfigurationError where a root is none that gates accept as one (self-signed, CA, strong enough). */
export function requireRoot(authority: Authority, file: string): RootAtHand {
  const parsed = parseCertificate(authority.der)
  const ca = readCaCertificate(authority.pem, file)
  if (!parsed.ok || !ca.ok || !isIssuedBy(ca.value, ca.value)) throw notAnAuthority(file, 'it is no self-signed root')
  const broken = brokenCaRules(ca.value)
  if (broken.length > 0) throw new PortcullisError(broken)
  if (ca.value.pathLength === 0) throw notAnAuthority(file, 'its pathLenConstraint permits no CA below it')
  return { certificate: parsed.value, authority }
}

/** Refused where the request is not that of an issuing CA of this root. Throws where the validity cannot be had. */
export function signIssuingRequest(
  bytes: Buffer,
  { certificate: root, authority }: RootAtHand,
  { now, days }: { readonly now: Date; readonly days: number },
): Result<SignedIssuing> {
  const request = readRequest(bytes)
  if (!request.ok) return request
  const { publicKey, subjectName, ignored } = request.value
  const reason = keyMistake(publicKey, authority) ?? subjectMistake(subjectName, root)
  if (reason !== undefined) return fail(bad(reason))
  const validity = issuingValidity(root, undefined, now, days)
  const subject = { name: subjectName, keyId: keyIdOf(publicKey), publicKey }
  const signed = signIssuing(authority, { ...subject, ...validity })
  return ok({
    signed,
    subjectText: displayName(readName(subjectName)),
    keyHash: keyHashOf(publicKey),
    ignored: ignored.filter(one => !one.startsWith('subject ')),
  })
}

function keyMistake(key: KeyObject, root: Authority): string | undefined {
  if (key.asymmetricKeyType === 'ed25519')
    return 'an issuing CA has no Ed25519 key here: most devices could not check it'
  return key.equals(root.keys.publicKey) ? 'its key is the key of the root itself' : undefined
}

/** `O=acme, CN=acme issuing` and nothing else, so that no name can pass for the root, or for another authority. */
function subjectMistake(subjectName: Buffer, root: Certificate): string | undefined {
  const texts = readName(subjectName).map(({ value }) => value.text)
  const [organisation = '', commonName = ''] = texts
  const isPlain = texts.length === 2 && isCaName(organisation) && isWritten(subjectName, organisation, commonName)
  if (!isPlain) return 'its subject is not O and CN as `portcullis ca` writes them'
  if (subjectName.equals(root.subjectName)) return 'its subject is that of the root'
  return organisation === caNameOf(root) ? undefined : `its organisation is ${organisation}, not that of the root`
}

function isWritten(subjectName: Buffer, organisation: string, commonName: string): boolean {
  try {
    return encodeName([
      ['O', organisation],
      ['CN', commonName],
    ]).equals(subjectName)
  } catch (error) {
    if (error instanceof PortcullisError) return false
    throw error
  }
}

function bad(reason: string): Problem {
  return problem('provision/bad-request', `the signing request cannot be signed: ${reason}`, {
    help: 'make it by `portcullis ca renew --csr FILE` or `ca rotate --csr FILE` on the machine of the issuing CA',
  })
}
