/**
 * Certificate signing requests (PKCS#10, RFC 2986), read strictly. Only the public key is taken from one; that it is the
 * sender's own is proved by its signature. What else it says (names, extensions, passwords) is told and ignored.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { DerError, type DerReader, readOnly, readWhole, tag } from '../accept/der.ts'
import { readAlgorithm, takeExtension } from '../accept/der-structures.ts'
import { oidText, smallInteger, wholeOctets } from '../accept/der-values.ts'
import { isAcceptedAlgorithm, verifySignature } from '../accept/signature.ts'
import { readPublicKey } from '../authenticate/algorithms.ts'
import { displayName, readName } from '../authenticate/names.ts'
import { fail, ok, type Problem, problem, type Result } from '../problem.ts'

export interface SigningRequest {
  readonly publicKey: KeyObject
  /** Subject, DER: what the request calls itself, which nothing believes. */
  readonly subjectName: Buffer
  /** The subjectAltName that it asks for, DER. */
  readonly alternativeNames: Buffer | undefined
  /** What the request says besides, for people. */
  readonly ignored: readonly string[]
}

const maxBytes = 64 * 1024

/** Reads and checks a request, PEM or DER. Total: whatever the octets are, it returns a value or a problem. */
export function readRequest(bytes: Buffer): Result<SigningRequest> {
  if (bytes.length > maxBytes) return fail(bad(`it is longer than ${maxBytes} bytes`))
  const der = bytes[0] === 0x30 ? bytes : derOf(bytes.toString('latin1'))
  if (der === undefined) return fail(bad('it is not one block -----BEGIN CERTIFICATE REQUEST----- and nothing else'))
  try {
    return judge(readOnly(der, tag.sequence, readParts))
  } catch (error) {
    return fail(bad(error instanceof DerError ? error.message : 'its key cannot be read'))
  }
}

const block =
  /^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----\r?\n((?:[A-Za-z0-9+/]{1,76}={0,2}\r?\n)+)-----END \1?CERTIFICATE REQUEST-----\s*$/

function derOf(pem: string): Buffer | undefined {
  const [, , body] = block.exec(pem) ?? []
  return body === undefined ? undefined : Buffer.from(body, 'base64')
}

interface Parts {
  /** CertificationRequestInfo: what is signed. */
  readonly info: Buffer
  readonly algorithm: string
  readonly signature: Buffer
}

/** CertificationRequest (RFC 2986 §4.2). */
function readParts(request: DerReader): Parts {
  return {
    info: request.takeWhole(tag.sequence),
    algorithm: request.inside(tag.sequence, readAlgorithm).oid,
    signature: wholeOctets(request.take(tag.bitString)),
  }
}

function judge({ info, algorithm, signature }: Parts): Result<SigningRequest> {
  const { spki, ...said } = readOnly(info, tag.sequence, readInfo)
  const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  // OpenSSL may be lenient about what we are not: the key is taken only where both read the same octets
  if (!publicKey.export({ type: 'spki', format: 'der' }).equals(spki)) return fail(bad('its key is not strict DER'))
  const weakness = keyWeakness(publicKey, spki) ?? hashWeakness(algorithm)
  if (weakness !== undefined) return fail(problem('provision/weak-key', weakness))
  if (!verifySignature(algorithm, info, signature, publicKey)) {
    return fail(bad('its signature is not by its own key, so that it proves nothing'))
  }
  return ok({ publicKey, ...said })
}

/** CertificationRequestInfo (RFC 2986 §4.1); attributes are mandatory, if only an empty set. */
function readInfo(info: DerReader): Omit<SigningRequest, 'publicKey'> & { readonly spki: Buffer } {
  if (smallInteger(info.take(tag.integer)) !== 0) throw new DerError('a version other than 1')
  const subjectName = info.takeWhole(tag.sequence)
  const subject = displayName(readName(subjectName))
  const spki = info.takeWhole(tag.sequence)
  const attributes = info.inside(tag.context(0), list => list.each(readAttribute))
  const asked = attributes.flatMap(one => one.alternativeNames ?? [])
  if (asked.length > 1) throw new DerError('it asks for subjectAltName twice')
  const ignored = [...(subject === '' ? [] : [`subject ${subject}`]), ...attributes.map(({ text }) => text)]
  return { spki, subjectName, alternativeNames: asked[0], ignored }
}

const attributeNames: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.9.2': 'unstructuredName',
  '1.2.840.113549.1.9.7': 'challengePassword',
}
const extensionRequest = '1.2.840.113549.1.9.14'
const subjectAltName = '2.5.29.17'
const extensionNames: Readonly<Record<string, string>> = {
  '2.5.29.14': 'subjectKeyIdentifier',
  '2.5.29.15': 'keyUsage',
  [subjectAltName]: 'subjectAltName',
  '2.5.29.19': 'basicConstraints',
  '2.5.29.37': 'extendedKeyUsage',
}

function readAttribute(list: DerReader): { readonly text: string; readonly alternativeNames?: readonly Buffer[] } {
  return list.inside(tag.sequence, attribute => {
    const id = oidText(attribute.take(tag.oid))
    const values = attribute.take(tag.set)
    if (id !== extensionRequest) return { text: `attribute ${attributeNames[id] ?? id}` }
    const extensions = readWhole(values, set => set.inside(tag.sequence, one => one.each(takeExtension)))
    return {
      text: `extensions ${extensions.map(({ oid }) => extensionNames[oid] ?? oid).join(', ')}`,
      alternativeNames: extensions.filter(({ oid }) => oid === subjectAltName).map(({ value }) => value),
    }
  })
}

const curves: readonly (string | undefined)[] = ['P-256', 'P-384']

function keyWeakness(publicKey: KeyObject, spki: Buffer): string | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey
  if (type === 'ed25519') return undefined
  if (type === 'ec') {
    // OpenSSL takes explicit parameters for the curve that they look like
    const { curve } = readPublicKey(spki)
    return curves.includes(curve) ? undefined : `the key is on the curve ${curve}, not P-256 or P-384`
  }
  if (type !== 'rsa') return `the key is of the type ${type}`
  const { modulusLength = 0, publicExponent = 0n } = details ?? {}
  if (modulusLength < 2048) return `the RSA key has ${modulusLength} bits, fewer than 2048`
  if (modulusLength > 8192) return `the RSA key has ${modulusLength} bits, more than 8192`
  // with an exponent of 1 everybody can sign
  return publicExponent < 65537n ? `the public exponent of the RSA key is ${publicExponent}, below 65537` : undefined
}

function hashWeakness(algorithm: string): string | undefined {
  return isAcceptedAlgorithm(algorithm)
    ? undefined
    : `the request is signed by ${algorithm}, which is not known, or weaker than SHA-256`
}

function bad(reason: string): Problem {
  return problem('provision/bad-request', `the signing request cannot be used: ${reason}`)
}
