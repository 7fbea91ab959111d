/** A certificate file → who it is: what the gate does to a leaf, as far as it can be done without a TLS connection. */
import { createHash, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Certificate, parseCertificate } from '../../authenticate/certificate.ts'
import { identify } from '../../authenticate/identify.ts'
import { checkCertificate } from '../../authenticate/rules.ts'
import { matchIdentity } from '../../policy/match-identity.ts'
import type { MappedIdentity, PolicySet } from '../../policy/model.ts'
import { ConfigurationError, fail, problem, type Result } from '../../problem.ts'
import { openIssuers } from '../configured-issuers.ts'

export interface CertificateFacts {
  readonly certificate: Certificate
  readonly identity: Result<MappedIdentity>
}

/** Rejects with ConfigurationError where the file holds no certificate. The first certificate of the file counts. */
export async function identifyCertificateFile(
  path: string,
  set: PolicySet,
  options: { readonly config: string | undefined; readonly nowMs: number },
): Promise<CertificateFacts> {
  const der = await readDer(path)
  const parsed = parseCertificate(der)
  if (!parsed.ok) throw new ConfigurationError([{ ...parsed.problem, where: { file: path } }])
  const certificate = parsed.value
  return { certificate, identity: await identityOf(certificate, set, options) }
}

async function identityOf(
  certificate: Certificate,
  set: PolicySet,
  { config, nowMs }: { readonly config: string | undefined; readonly nowMs: number },
): Promise<Result<MappedIdentity>> {
  if (config === undefined) {
    const checked = checkCertificate(certificate, nowMs)
    return checked.ok ? matchIdentity(set, { issuer: undefined, values: certificate.values }) : checked
  }
  const { issuers, revocations } = await openIssuers(config)
  const der = Buffer.from(certificate.der)
  const issuer = issuers.findIssuer(der, createHash('sha256').update(der).digest('hex'))
  if (issuer === undefined) {
    return fail(
      problem('accept/unknown-issuer', 'none of the configured issuers signed this certificate', {
        help: 'use a certificate of a configured issuer, or add its CA under `issuers:`',
      }),
    )
  }
  const standing = revocations.check(issuer, certificate.serial, nowMs)
  if (!standing.ok) return standing
  const checked = checkCertificate(certificate, nowMs)
  return checked.ok ? identify(set, certificate, issuer.name, issuer.only) : checked
}

async function readDer(path: string): Promise<Uint8Array> {
  const unreadable = (reason: string, help: string): ConfigurationError =>
    new ConfigurationError([problem('tool/unreadable-certificate', reason, { where: { file: path }, help })])
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(
      `the certificate file cannot be read (${error.code})`,
      'WHO is a certificate file, `subject:OU=s1,CN=pump-7` or `device:site=s1,device=pump-7`',
    )
  })
  const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(bytes.toString('latin1'))?.[0]
  if (pem === undefined && bytes[0] === 0x30) return bytes
  if (pem === undefined)
    throw unreadable('the file holds no certificate', 'name the PEM file that begins with -----BEGIN CERTIFICATE-----')
  try {
    return new X509Certificate(pem).raw
  } catch {
    throw unreadable('the certificate cannot be read', '`openssl x509 -in FILE -text` shows where it breaks')
  }
}
