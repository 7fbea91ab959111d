/**
 * PKCS#12 for devices that read nothing newer: key and certificates under 3DES with a key of the PKCS#12 function over SHA-1, the
 * whole under an HMAC with SHA-1 (RFC 7292 appendices B and C), by node-forge. Its own writer of such files reads certificates
 * into a form that has no elliptic keys; here they pass through as they are, so that an elliptic CA may stand in the chain.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { context, contextPrimitive, integer, nullValue, octetString, oid, sequence } from './der.ts'
import type { Pkcs12Parts } from './pkcs12.ts'
import { certificateBags, keyBag } from './pkcs12-bags.ts'

type Forge = typeof import('node-forge')

/** A count that a small device still bears; what protects such a file is its password. */
const iterations = 2048
const data = '1.2.840.113549.1.7.1'
const encryptedData = '1.2.840.113549.1.7.6'
const sha1 = '1.3.14.3.2.26'

/** Bytes of the file. */
export async function writeLegacyPkcs12(parts: Pkcs12Parts): Promise<Buffer> {
  const { default: forge } = (await import('node-forge')) as unknown as { readonly default: Forge }
  const key = encrypt(forge, parts.keyDer, parts.password)
  const certificates = encrypt(forge, certificateBags(parts), parts.password)
  const content = sequence(oid(data), certificates.algorithm, contextPrimitive(0, certificates.content))
  const safe = sequence(
    dataContent(keyBag(sequence(key.algorithm, octetString(key.content)), parts)),
    sequence(oid(encryptedData), context(0, sequence(integer(0n), content))),
  )
  return sequence(integer(3n), dataContent(safe), macOf(forge, safe, parts.password))
}

function dataContent(bytes: Uint8Array): Buffer {
  return sequence(oid(data), context(0, octetString(bytes)))
}

/** pbeWithSHAAnd3-KeyTripleDES-CBC over the bytes, with an algorithm identifier that has salt and count. */
function encrypt(
  forge: Forge,
  bytes: Buffer,
  password: string,
): { readonly algorithm: Buffer; readonly content: Buffer } {
  const encrypted = forge.pki.encryptPrivateKeyInfo(forge.asn1.fromDer(bytes.toString('latin1')), password, {
    algorithm: '3des',
    count: iterations,
  })
  const [algorithm, content] = encrypted.value as [import('node-forge').asn1.Asn1, import('node-forge').asn1.Asn1]
  return {
    algorithm: Buffer.from(forge.asn1.toDer(algorithm).getBytes(), 'latin1'),
    content: Buffer.from(content.value as string, 'latin1'),
  }
}

/** MacData: DigestInfo, salt and count (RFC 7292 §4). */
function macOf(forge: Forge, safe: Buffer, password: string): Buffer {
  const salt = randomBytes(8)
  const saltBuffer = forge.util.createBuffer(salt.toString('latin1'))
  const forMac = 3
  const key = forge.pkcs12.generateKey(password, saltBuffer, forMac, iterations, 20, forge.md.sha1.create())
  const mac = createHmac('sha1', Buffer.from(key.getBytes(), 'latin1')).update(safe).digest()
  const digest = sequence(sequence(oid(sha1), nullValue()), octetString(mac))
  return sequence(digest, octetString(salt), integer(BigInt(iterations)))
}
