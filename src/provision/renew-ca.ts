/**
 * Renews the certificates of an authority: the same key, subject and key identifier for longer, so that everything that was
 * signed stays valid. The old certificate stays beside the new one; a kill leaves the one or the other under its name.
 */
import { type createPublicKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { PortcullisError, type Result } from '../problem.ts'
import { type Authority, renewRoot, type SignedCertificate, signIssuing } from './authority.ts'
import type { CaFolder } from './ca-folder.ts'
import { caValidity, issuingValidity } from './ca-validity.ts'
import { type IssuingCa, notAnAuthority } from './issuing-cas.ts'
import { type IssuingAnswer, readIssuingAnswer } from './issuing-certificate.ts'
import { keyIdOf, spkiOf } from './keys.ts'
import { replaceCertificate } from './replace-certificate.ts'

export interface RenewOptions {
  readonly now: Date
  readonly days: number
}

export interface Renewed {
  /** Absolute. */
  readonly file: string
  /** The certificate that it replaced. */
  readonly kept: string
  readonly notAfter: Date
}

/** Renews the issuing CA that signs, by the root's key. Throws where that may not be; nothing is changed then. */
export async function renewIssuing(ca: CaFolder, root: Authority, { now, days }: RenewOptions): Promise<Renewed> {
  const { certificate, pem } = signing(ca)
  const validity = issuingValidity(ca.root, certificate, now, days)
  const publicKey = publicKeyOf(pem)
  const keyId = certificate.subjectKeyId ?? keyIdOf(publicKey)
  const signed = signIssuing(root, { name: certificate.subjectName, keyId, publicKey, ...validity })
  return must(await installRenewed(ca, Buffer.from(signed.pem), now))
}

/** Installs a certificate that the root's machine made. Refused where it is not what was asked for; nothing is changed then. */
export async function installRenewed(ca: CaFolder, bytes: Buffer, now: Date): Promise<Result<Renewed>> {
  const { certificate, pem, certificateFile } = signing(ca)
  const answer: Result<IssuingAnswer> = readIssuingAnswer(bytes, {
    rootPem: ca.rootPem,
    root: ca.root,
    spki: spkiOf(publicKeyOf(pem)),
    subjectName: certificate.subjectName,
    keyId: certificate.subjectKeyId ?? keyIdOf(publicKeyOf(pem)),
    present: certificate,
    now,
  })
  if (!answer.ok) return answer
  const kept = await replaceCertificate(certificateFile, answer.value.pem, now)
  return { ok: true, value: { file: certificateFile, kept, notAfter: new Date(answer.value.certificate.notAfter) } }
}

/** Renews the root itself. It need not be valid any more: whoever trusts it anew decides that. */
export async function renewRootOf(ca: CaFolder, root: Authority, { now, days }: RenewOptions): Promise<Renewed> {
  const signed: SignedCertificate = renewRoot(root, caValidity(ca.root, now, days))
  const file = join(ca.folder, 'root.pem')
  const kept = await replaceCertificate(file, signed.pem, now)
  return { file, kept, notAfter: signed.notAfter }
}

function signing({ issuingCas, folder }: CaFolder): IssuingCa {
  const last = issuingCas.at(-1)
  if (last === undefined) throw notAnAuthority(folder, 'the authority has no issuing CA')
  return last
}

function publicKeyOf(pem: string): ReturnType<typeof createPublicKey> {
  return new X509Certificate(pem).publicKey
}

function must<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw new PortcullisError([result.problem])
}
