/** What an audit is told of an authority: its CA certificates and CRLs, and all that its ledger has. */
import { createHash, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { parseCrlFile, verifyCrl } from '../../accept/crl.ts'
import { type Certificate, parseCertificate } from '../../authenticate/certificate.ts'
import type { PolicySet } from '../../policy/model.ts'
import { PortcullisError } from '../../problem.ts'
import type { AuditedAuthority, AuditedCa, AuditedCertificate, KeyFacts } from '../../prove/audit/evidence.ts'
import type { CaFolder } from '../../provision/ca-folder.ts'
import { entitlementOf, type KnownIssuer } from '../../provision/entitlement.ts'
import type { IssuingCa } from '../../provision/issuing-cas.ts'
import type { Ledger } from '../../provision/ledger.ts'
import type { LedgerRecord } from '../../provision/ledger-record.ts'

/** Who an issuing CA is to the policy; throws where a configuration does not know it. */
export type IssuerOf = (issuerKeyId: string) => Promise<KnownIssuer>

export interface Under {
  readonly set: PolicySet
  readonly issuerOf: IssuerOf
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function keyFacts({ publicKey: { algorithm, curve, bits }, signatureHash }: Certificate): KeyFacts {
  return { algorithm, curve, bits, signatureHash }
}

/** The first CRL of its file that its key has signed. */
async function readCrl({ crlFile, pem }: IssuingCa): Promise<NonNullable<AuditedCa['crl']>> {
  const bytes = await readFile(crlFile).catch((error: NodeJS.ErrnoException) => error.code ?? 'no reason given')
  if (typeof bytes === 'string') return { unusable: `the CRL cannot be read (${bytes})` }
  const parsed = parseCrlFile(bytes)
  if (!parsed.ok) return { unusable: parsed.problem.sentence }
  const { publicKey } = new X509Certificate(pem)
  const crl = parsed.value.find(one => verifyCrl(one, publicKey))
  if (crl === undefined) return { unusable: 'the CRL is not signed by this CA' }
  return { thisUpdate: crl.thisUpdate, nextUpdate: crl.nextUpdate, serials: new Set(crl.entries.keys()) }
}

async function gatherCas({ root, issuingCas }: CaFolder): Promise<readonly AuditedCa[]> {
  const facts = (one: Certificate) => ({ subject: one.subjectText, notAfter: one.notAfter, key: keyFacts(one) })
  const keyId = sha256(root.publicKey.der)
  const cas: AuditedCa[] = [{ role: 'root', ...facts(root), keyId, signs: false, crl: undefined, crlFile: '' }]
  for (const [index, one] of issuingCas.entries()) {
    const { certificate, issuerKeyId, crlFile } = one
    const signs = index === issuingCas.length - 1
    const crl = await readCrl(one)
    cas.push({ role: 'issuing', ...facts(certificate), keyId: issuerKeyId, signs, crl, crlFile: basename(crlFile) })
  }
  return cas
}

type Refusal = AuditedCertificate['refusal']

/** Issuers by their key, asked once each; a refusal where the configuration does not know one. */
class Issuers {
  readonly #issuerOf: IssuerOf
  readonly #known = new Map<string, KnownIssuer | NonNullable<Refusal>>()

  constructor(issuerOf: IssuerOf) {
    this.#issuerOf = issuerOf
  }

  async get(keyId: string): Promise<KnownIssuer | NonNullable<Refusal>> {
    const known = this.#known.get(keyId) ?? (await this.#ask(keyId))
    this.#known.set(keyId, known)
    return known
  }

  async #ask(keyId: string): Promise<KnownIssuer | NonNullable<Refusal>> {
    try {
      return await this.#issuerOf(keyId)
    } catch (error) {
      const [problem] = error instanceof PortcullisError ? error.problems : []
      if (problem?.code !== 'provision/not-configured') throw error
      return problem
    }
  }
}

async function refusalOf(
  certificate: Certificate,
  record: LedgerRecord,
  set: PolicySet,
  issuers: Issuers,
  now: number,
): Promise<Refusal> {
  const issuer = await issuers.get(record.issuerKeyId)
  if ('code' in issuer) return issuer
  const entitlement = entitlementOf(set, certificate, issuer, now)
  if (!entitlement.ok) return entitlement.problem
  const { identityText } = entitlement.value
  return identityText === record.identity
    ? undefined
    : { code: 'authenticate/no-identity', sentence: `it would be ${identityText} now` }
}

function certificateFacts(
  record: LedgerRecord,
  certificate: Certificate | undefined,
): Omit<AuditedCertificate, 'refusal'> {
  const {
    issuerKeyId,
    serialHex: serial,
    state,
    profile,
    name,
    identity,
    keyHash,
    since,
    reason,
    notAfter,
    der,
  } = record
  return {
    ...{ issuerKeyId, serial, state, profile, name, identity, keyHash, reason },
    since: since.getTime(),
    notAfter: notAfter.getTime(),
    fingerprint: der && sha256(der),
    key: certificate && keyFacts(certificate),
  }
}

async function gatherCertificates(
  records: readonly LedgerRecord[],
  under: Under | undefined,
  now: number,
): Promise<readonly AuditedCertificate[]> {
  const issuers = under && new Issuers(under.issuerOf)
  const gathered: AuditedCertificate[] = []
  for (const record of records) {
    const parsed = record.der && parseCertificate(record.der)
    const certificate = parsed?.ok ? parsed.value : undefined
    const isAsked = certificate !== undefined && record.profile === 'device' && record.state === 'issued'
    const refusal =
      isAsked && under && issuers ? await refusalOf(certificate, record, under.set, issuers, now) : undefined
    gathered.push({ ...certificateFacts(record, certificate), refusal })
  }
  return gathered
}

/** `under`: the policy set that its devices are asked about. Times are milliseconds since 1970. */
export async function gatherAuthority(
  ca: CaFolder,
  ledger: Ledger,
  under: Under | undefined,
  now: number,
): Promise<Omit<AuditedAuthority, 'isOnlyIssuer'>> {
  return {
    cas: await gatherCas(ca),
    certificates: await gatherCertificates(ledger.all(), under, now),
    tokens: ledger.tokens.all().map(({ state, expires }) => ({ state, expires: expires.getTime() })),
  }
}
