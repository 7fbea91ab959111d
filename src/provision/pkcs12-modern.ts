/**
 * PKCS#12 as today's programs write it, by pkijs over node's WebCrypto: key and certificates under AES-256-CBC with a key of
 * PBKDF2 (HMAC-SHA-256, RFC 8018), the whole under an HMAC with SHA-256 (RFC 7292 §5.1).
 */
import { webcrypto } from 'node:crypto'
import type { Pkcs12Parts } from './pkcs12.ts'
import { certificateBags, keyBag } from './pkcs12-bags.ts'

/** Bytes of the file. The count is that of both PBKDF2 and of the MAC: what the weakest of them costs, a guess costs. */
export async function writeModernPkcs12(parts: Pkcs12Parts): Promise<Buffer> {
  const pkijs = await import('pkijs')
  const engine = new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto as never })
  const password = bytesOf(Buffer.from(parts.password, 'latin1'))
  const encryption = {
    password,
    contentEncryptionAlgorithm: { name: 'AES-CBC', length: 256 },
    hmacHashAlgorithm: 'SHA-256',
    iterationCount: parts.iterations,
  }
  const shrouded = new pkijs.PKCS8ShroudedKeyBag({ parsedValue: pkijs.PrivateKeyInfo.fromBER(bytesOf(parts.keyDer)) })
  await shrouded.makeInternalValues(encryption, engine)
  const key = keyBag(Buffer.from(shrouded.toSchema().toBER()), parts)
  const safe = new pkijs.AuthenticatedSafe({
    parsedValue: {
      safeContents: [
        // no second cover for the key
        { privacyMode: 0, value: pkijs.SafeContents.fromBER(bytesOf(key)) },
        { privacyMode: 1, value: pkijs.SafeContents.fromBER(bytesOf(certificateBags(parts))) },
      ],
    },
  })
  await safe.makeInternalValues({ safeContents: [{}, encryption] }, engine)
  const pfx = new pkijs.PFX({ parsedValue: { integrityMode: 0, authenticatedSafe: safe } })
  const mac = { password, iterations: parts.iterations, pbkdf2HashAlgorithm: 'SHA-256', hmacHashAlgorithm: 'SHA-256' }
  await pfx.makeInternalValues(mac, engine)
  return Buffer.from(pfx.toSchema().toBER())
}

/** A copy in an ArrayBuffer of its own. */
function bytesOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}
