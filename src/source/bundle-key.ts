/** Keys of policy bundles: Ed25519 or P-256, in PEM without a passphrase. A gate holds the public half only. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { ConfigurationError, problem } from '../problem.ts'

/** Names of RFC 7518 §3.1 and RFC 9864 §2.2. One key has one algorithm: what a bundle says cannot change it. */
export const bundleAlgorithms = ['Ed25519', 'ES256'] as const

export type BundleAlgorithm = (typeof bundleAlgorithms)[number]

export interface BundleKey {
  readonly key: KeyObject
  readonly algorithm: BundleAlgorithm
}

/** Reads the key that bundles are verified by. Throws ConfigurationError; a private key is refused, since a gate must not have it. */
export async function readBundleKey(file: string): Promise<BundleKey> {
  const pem = await readPem(file)
  if (pem.includes('PRIVATE KEY')) {
    const help = 'give the gate the public half only: openssl pkey -in PRIVATE -pubout -out PUBLIC'
    throw badKey(file, 'it is a private key, with which whoever reads it can sign policies', help)
  }
  if (!pem.includes('-----BEGIN PUBLIC KEY-----')) throw badKey(file, 'it holds no public key in PEM')
  return withAlgorithm(file, () => createPublicKey(pem))
}

/** Reads the key that bundles are signed with. Throws ConfigurationError. */
export async function readSigningKey(file: string): Promise<BundleKey> {
  const pem = await readPem(file)
  if (pem.includes('ENCRYPTED')) {
    throw badKey(file, 'it is locked with a passphrase', 'unlock it: openssl pkey -in LOCKED -out OPEN')
  }
  return withAlgorithm(file, () => createPrivateKey(pem))
}

/** A fresh pair. */
export function createBundleKeys(algorithm: BundleAlgorithm): {
  readonly privatePem: string
  readonly publicPem: string
} {
  const { privateKey, publicKey } =
    algorithm === 'Ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    privatePem: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    publicPem: String(publicKey.export({ type: 'spki', format: 'pem' })),
  }
}

async function readPem(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw badKey(file, `it cannot be read (${error.code})`, 'check the path and the permissions')
  })
}

function withAlgorithm(file: string, read: () => KeyObject): BundleKey {
  let key: KeyObject
  try {
    key = read()
  } catch {
    throw badKey(file, 'it holds no key in PEM that can be used')
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'ed25519') return { key, algorithm: 'Ed25519' }
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return { key, algorithm: 'ES256' }
  throw badKey(
    file,
    `it is of the type ${type}${details?.namedCurve ? ` ${details.namedCurve}` : ''}, not Ed25519 or P-256`,
  )
}

function badKey(
  file: string,
  sentence: string,
  help = 'make a pair: portcullis policy bundle --new-key KEY.pem',
): ConfigurationError {
  return new ConfigurationError([
    problem('source/bundle-key', `the key of policy bundles cannot be used: ${sentence}`, { where: { file }, help }),
  ])
}
