/** The key that enrolment tokens are signed with: `enroll.key` beside the others of the authority, made on first use. */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigurationError, PortcullisError, problem } from '../../problem.ts'
import type { CaFolder } from '../ca-folder.ts'
import { type KeyPair, keyPem } from '../keys.ts'
import { stageFiles } from '../staged-files.ts'

/**
 * Reads the key, or makes one: Ed25519, 0600, encrypted where the issuing key is. It can sign nothing but tokens: no certificate
 * chains to it. Throws ConfigurationError where the file is no such key, or the passphrase does not open it.
 * @example const key = await openEnrolKey(ca, passphrase)
 */
export async function openEnrolKey(
  { folder }: Pick<CaFolder, 'folder'>,
  passphrase: string | undefined,
): Promise<KeyPair> {
  const file = join(folder, 'enroll.key')
  const pem = (await readIfThere(file)) ?? (await make(file, passphrase))
  const key = attempt(() => createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) }))
  if (key?.asymmetricKeyType !== 'ed25519') {
    const help = 'give the passphrase of the authority, or move the file away: tokens that are out are void then'
    const sentence = 'the key for tokens is no Ed25519 key that this passphrase opens'
    throw new ConfigurationError([problem('provision/bad-enrol-key', sentence, { where: { file }, help })])
  }
  return { privateKey: key, publicKey: createPublicKey(key) }
}

function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    const sentence = `the key for tokens cannot be read (${error.code})`
    throw new ConfigurationError([problem('provision/bad-enrol-key', sentence, { where: { file } })])
  })
}

/** Of two commands that make it at once, the first one's counts. */
async function make(file: string, passphrase: string | undefined): Promise<string> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const staged = await stageFiles([{ path: file, content: keyPem(privateKey, passphrase), mode: 0o600 }])
  try {
    await staged.publish()
  } catch (error) {
    if (!(error instanceof PortcullisError)) throw error
  }
  return readFile(file, 'utf8')
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
