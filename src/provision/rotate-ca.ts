/**
 * Rotates the issuing CA: a new key under the same root, beside the old one. Its key is there first, then its CRL, and last
 * its certificate, by whose appearance it becomes the one that signs: a kill before that leaves a key that waits, which the
 * next run uses.
 */
import { join } from 'node:path'
import { displayName, readName } from '../authenticate/names.ts'
import { ConfigurationError, ok, PortcullisError, problem, type Result } from '../problem.ts'
import { type Authority, openAuthority, signIssuing } from './authority.ts'
import { type CaFolder, caSubject, type OpenCa } from './ca-folder.ts'
import { issuingValidity } from './ca-validity.ts'
import { publishCrl } from './crl-file.ts'
import { generationsIn, type IssuingFiles, issuingFiles, retiredFolder } from './issuing-cas.ts'
import { readIssuingAnswer } from './issuing-certificate.ts'
import { createKeys, type KeyPair, type KeyType, keyHashOf, keyIdOf, keyPem, spkiOf } from './keys.ts'
import { encodeName } from './names.ts'
import { openKeyFile } from './open-key.ts'
import type { RenewOptions } from './renew-ca.ts'
import { stageFiles } from './staged-files.ts'

/** An issuing CA that has a key, and no certificate yet. */
export interface PendingCa extends IssuingFiles {
  readonly generation: number
  /** Subject, as DER. */
  readonly name: Buffer
  /** For people. */
  readonly subjectText: string
  readonly keys: KeyPair
  /** The key was there already: an earlier run was killed, or waits for its certificate. */
  readonly isOld: boolean
}

export interface NewKey {
  /** Undefined: of the type of the key that signs now. */
  readonly keyType: KeyType | undefined
  /** What the keys of the authority are encrypted with; undefined where they are not. */
  readonly passphrase: string | undefined
}

/** Makes the key of the next issuing CA, or finds the one that waits. Throws where that one cannot be opened. */
export async function prepareRotation(ca: OpenCa, { keyType, passphrase }: NewKey): Promise<PendingCa> {
  const generation = await nextGeneration(ca)
  const files = issuingFiles(ca.folder, ca.name, generation)
  const isOld = (await generationsIn(ca.folder, 'key')).includes(generation)
  if (isOld && keyType !== undefined) {
    const help = 'leave --key out to use the key that waits, or move it away first'
    const sentence = 'the key of the next issuing CA is there already, and waits for its certificate'
    throw new ConfigurationError([problem('provision/file-exists', sentence, { where: { file: files.keyFile }, help })])
  }
  if (!isOld) await writeKey(files.keyFile, createKeys(keyType ?? keyTypeOf(ca)), passphrase)
  // also one that was just made is read back: what cannot be opened must not be certified
  const keys = await openKeyFile(files.keyFile, passphrase)
  const name = encodeName(caSubject(ca.name, `issuing ${generation}`))
  return { generation, ...files, name, subjectText: displayName(readName(name)), keys, isOld }
}

/** After the latest one that there ever was: names are not used again. */
async function nextGeneration({ folder, issuingCas }: CaFolder): Promise<number> {
  const retired = await generationsIn(join(folder, retiredFolder))
  return Math.max(...retired, ...issuingCas.map(({ generation }) => generation)) + 1
}

async function writeKey(path: string, { privateKey }: KeyPair, passphrase: string | undefined): Promise<void> {
  const staged = await stageFiles([{ path, content: keyPem(privateKey, passphrase), mode: 0o600 }])
  await staged.publish()
}

/** A rotation keeps the strength of the key, unless another is asked for. */
function keyTypeOf({ authority }: OpenCa): KeyType {
  const { namedCurve, modulusLength } = authority.keys.publicKey.asymmetricKeyDetails ?? {}
  if (namedCurve !== undefined) return namedCurve === 'prime256v1' ? 'p256' : 'p384'
  return modulusLength === 4096 ? 'rsa4096' : modulusLength === 3072 ? 'rsa3072' : 'rsa2048'
}

/** Certifies it by the root's key. Throws where that may not be. */
export function certifyPending(ca: CaFolder, pending: PendingCa, root: Authority, { now, days }: RenewOptions): string {
  const { publicKey } = pending.keys
  const validity = issuingValidity(ca.root, undefined, now, days)
  return signIssuing(root, { name: pending.name, keyId: keyIdOf(publicKey), publicKey, ...validity }).pem
}

/**
 * Installs its certificate, made here or on the root's machine: from then on it signs. Refused where it is not what was asked
 * for; nothing is changed then.
 */
export async function installPending(
  ca: OpenCa,
  pending: PendingCa,
  bytes: Buffer,
  crlDays: number,
): Promise<Result<void>> {
  const { publicKey, privateKey } = pending.keys
  const answer = readIssuingAnswer(bytes, {
    rootPem: ca.rootPem,
    root: ca.root,
    spki: spkiOf(publicKey),
    subjectName: pending.name,
    keyId: keyIdOf(publicKey),
    now: ca.now(),
  })
  if (!answer.ok) return answer
  const authority = openAuthority(answer.value.pem, keyPem(privateKey))
  const signer = { authority, issuerKeyId: keyHashOf(publicKey), crlFile: pending.crlFile }
  await publishCrl({ signers: [signer], ledger: ca.ledger, now: ca.now }, crlDays)
  const staged = await stageFiles([{ path: pending.certificateFile, content: answer.value.pem, mode: 0o644 }])
  await staged.publish()
  return ok(undefined)
}

/** Throws where an older issuing CA is not retired yet: two rotations at once are rarely meant. */
export function requireNoOverlap({ issuingCas }: CaFolder): void {
  const [oldest, ...more] = issuingCas
  if (oldest === undefined || more.length === 0) return
  const sentence = `a rotation is under way: ${oldest.certificate.subjectText} is not retired yet`
  const help =
    '`portcullis ca rotate --plan` says what is left to do; --again makes yet another issuing CA all the same'
  throw new PortcullisError([problem('provision/rotation-under-way', sentence, { help })])
}
