/**
 * The rules that a client's certificate must pass, besides its signature, before anything is read from its name. To add one,
 * add a row, and one passing and one failing certificate to the test. The first row that fails is the one that is told.
 * What a configured CA must fulfil is judged when it is loaded: `accept/ca-rules.ts`.
 */
import { fail, ok, type ProblemCode, problem, type Result } from '../problem.ts'
import type { Certificate } from './certificate.ts'

export interface CertificateRule {
  readonly name: string
  /** Where the standard, or SEMANTICS, demands it. */
  readonly clause: string
  readonly code: ProblemCode
  /** A sentence that says what is wrong, or undefined. */
  readonly check: (certificate: Certificate, nowMs: number) => string | undefined
  readonly help?: string
}

const clientAuth = '1.3.6.1.5.5.7.3.2'
const trustedCurves: readonly (string | undefined)[] = ['P-256', 'P-384', 'P-521']
const trustedHashes: readonly (string | undefined)[] = ['sha256', 'sha384', 'sha512']
const clockHelp = 'compare the clock of this machine with that of the one that issued the certificate (timedatectl)'

export const certificateRules: readonly CertificateRule[] = [
  {
    name: 'version 3',
    clause: 'RFC 5280 §4.1.2.1',
    code: 'authenticate/unparsable-certificate',
    check: ({ version }) => when(version !== 3, `the certificate is of X.509 version ${version}, not 3`),
  },
  {
    name: 'no duplicate extension',
    clause: 'RFC 5280 §4.2',
    code: 'authenticate/bad-extension',
    check: ({ duplicateExtensions: [id] }) => when(id !== undefined, `the certificate has the extension ${id} twice`),
  },
  {
    name: 'no unknown critical extension',
    clause: 'RFC 5280 §4.2',
    code: 'authenticate/bad-extension',
    check: ({ unknownCriticalExtensions: [id] }) => unknownExtension(id),
  },
  {
    name: 'end entity',
    clause: 'RFC 5280 §4.2.1.9',
    code: 'authenticate/ca-certificate',
    check: ({ basicConstraints, keyUsage }) =>
      when(
        basicConstraints?.ca === true || keyUsage?.has('keyCertSign') === true,
        'the certificate is one of a certificate authority, not of a device',
      ),
  },
  {
    name: 'digitalSignature',
    clause: 'RFC 5280 §4.2.1.3; RFC 8446 §4.4.2.4',
    code: 'authenticate/key-usage',
    check: ({ keyUsage }) =>
      when(keyUsage?.has('digitalSignature') !== true, 'keyUsage does not permit digitalSignature'),
  },
  {
    name: 'clientAuth',
    clause: 'RFC 5280 §4.2.1.12 (anyExtendedKeyUsage: an application may insist on the purpose itself)',
    code: 'authenticate/no-client-auth',
    check: ({ extendedKeyUsage }) =>
      extendedKeyUsage === undefined
        ? 'the certificate has no extendedKeyUsage; clientAuth is required'
        : when(!extendedKeyUsage.includes(clientAuth), 'extendedKeyUsage does not name clientAuth'),
  },
  {
    name: 'strong key',
    clause: 'RFC 5480 §2.1.1, RFC 8410, NIST SP 800-131A',
    code: 'authenticate/weak-key',
    check: weakKey,
  },
  {
    name: 'strong signature',
    clause: 'RFC 9155, NIST SP 800-131A',
    code: 'authenticate/weak-signature',
    check: ({ signatureHash }) =>
      when(
        !trustedHashes.includes(signatureHash),
        `the certificate is signed with ${signatureHash ?? 'an unknown algorithm'}, not with SHA-256 or better`,
      ),
  },
  {
    name: 'already valid',
    clause: 'RFC 5280 §4.1.2.5',
    code: 'authenticate/not-yet-valid',
    check: ({ notBefore }, nowMs) =>
      when(nowMs < notBefore, () => `the certificate is valid from ${at(notBefore)}, and it is ${at(nowMs)} here`),
    help: clockHelp,
  },
  {
    name: 'still valid',
    clause: 'RFC 5280 §4.1.2.5 (inclusive of notAfter)',
    code: 'authenticate/expired',
    check: ({ notAfter }, nowMs) =>
      when(nowMs > notAfter, () => `the certificate expired at ${at(notAfter)}, and it is ${at(nowMs)} here`),
    help: `renew the certificate; if it should still be valid, ${clockHelp}`,
  },
]

/** A sentence with times in it is made only where it is told: this runs at every log-in. */
function when(isWrong: boolean, sentence: string | (() => string)): string | undefined {
  if (!isWrong) return undefined
  return typeof sentence === 'string' ? sentence : sentence()
}

function unknownExtension(id: string | undefined): string | undefined {
  return when(id !== undefined, `the certificate has the critical extension ${id}, which Portcullis does not know`)
}

function weakKey({ publicKey: { algorithm, curve, bits } }: Certificate): string | undefined {
  switch (algorithm) {
    case 'ec':
      return when(
        !trustedCurves.includes(curve),
        `the key is on the curve ${curve}; P-256, P-384 and P-521 are accepted`,
      )
    case 'rsa':
      return when(bits === undefined || bits < 2048, `the RSA key has ${bits} bits, fewer than 2048`)
    case 'ed25519':
      return undefined
    case 'other':
      return 'the key is neither EC, Ed25519 nor RSA'
  }
}

/** As ISO 8601, in whole seconds, UTC. */
function at(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** Passes the certificate on, or the first rule of the table that it breaks. The verdict holds at `nowMs` only. */
export function checkCertificate(certificate: Certificate, nowMs: number): Result<Certificate> {
  for (const rule of certificateRules) {
    const sentence = rule.check(certificate, nowMs)
    if (sentence !== undefined) return fail(problem(rule.code, sentence, { help: rule.help }))
  }
  return ok(certificate)
}
