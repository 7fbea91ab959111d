/** An authority's certificate and private key, put together; what is wrong is told with the file of the key. */
import { createPublicKey } from 'node:crypto'
import { PortcullisError } from '../problem.ts'
import { type Authority, openAuthority, openPrivateKey } from './authority.ts'
import { notAnAuthority, readCaText } from './issuing-cas.ts'
import type { KeyPair } from './keys.ts'

/** Throws where the key cannot be read, the passphrase is wrong, or the key is not that of the certificate. */
export function openWithKey(
  certificatePem: string,
  keyFile: string,
  passphrase: string | undefined,
): Promise<Authority> {
  return withKeyText(keyFile, text => openAuthority(certificatePem, text, passphrase))
}

/** A key by itself. Throws where it cannot be read, or the passphrase is wrong. */
export function openKeyFile(keyFile: string, passphrase: string | undefined): Promise<KeyPair> {
  return withKeyText(keyFile, text => {
    const privateKey = openPrivateKey(text, passphrase)
    return { privateKey, publicKey: createPublicKey(privateKey) }
  })
}

async function withKeyText<T>(keyFile: string, open: (text: string) => T): Promise<T> {
  const text = await readCaText(keyFile)
  try {
    return open(text)
  } catch (error) {
    if (!(error instanceof PortcullisError)) throw notAnAuthority(keyFile, 'the file holds no private key')
    throw new PortcullisError(error.problems.map(one => ({ ...one, where: { file: keyFile } })))
  }
}

/** Whether a key wants a passphrase. */
export async function isKeyFileEncrypted(keyFile: string): Promise<boolean> {
  return (await readCaText(keyFile)).includes('ENCRYPTED PRIVATE KEY')
}
