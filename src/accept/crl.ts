/**
 * Certificate revocation lists (RFC 5280 §5), read in one pass, and in slices where a broker must not stand still. Only complete
 * CRLs of one CA are taken: a delta, indirect or partial one, or a critical extension that is not known here, is refused,
 * because whoever reads it as complete would let revoked certificates in.
 */
import type { KeyObject } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fail, ok, type Problem, problem, type Result } from '../problem.ts'
import { DerError, DerReader, readOnly, readWhole, tag } from './der.ts'
import { type DerExtension, readAuthorityKeyId, readExtensions } from './der-structures.ts'
import { derBoolean, integerHex, smallInteger, takeTime, wholeOctets } from './der-values.ts'
import { isAcceptedAlgorithm, requireSameAlgorithm, verifySignature } from './signature.ts'

/** Why and since when one certificate is revoked. */
export interface RevokedEntry {
  /** CRLReason by its name in RFC 5280 §5.3.1; `unspecified` where the CRL gives none. */
  readonly reason: string
  /** Milliseconds since 1970. */
  readonly date: number
}

export interface Crl {
  /** Name of the CA, DER as it stands in the CRL. */
  readonly issuer: Buffer
  /** Milliseconds since 1970. */
  readonly thisUpdate: number
  readonly nextUpdate: number
  /** cRLNumber; undefined where the CA writes none. */
  readonly number: bigint | undefined
  /** keyIdentifier of the authority key identifier. */
  readonly authorityKeyId: Buffer | undefined
  /** By serial number: lower-case hex without leading `00`. */
  readonly entries: ReadonlyMap<string, RevokedEntry>
  readonly signatureOid: string
  /** The whole. */
  readonly der: Buffer
  /** What is signed, and the signature over it. */
  readonly tbs: Buffer
  readonly signature: Buffer
}

const oids = {
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  invalidityDate: '2.5.29.24',
  deltaCrlIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  certificateIssuer: '2.5.29.29',
  authorityKeyIdentifier: '2.5.29.35',
} as const

const knownInCrl: ReadonlySet<string> = new Set([
  oids.crlNumber,
  oids.issuingDistributionPoint,
  oids.authorityKeyIdentifier,
])
const knownInEntry: ReadonlySet<string> = new Set([oids.reasonCode, oids.invalidityDate])

/** CRLReason (RFC 5280 §5.3.1), by number; 7 is not used. */
const reasons: readonly string[] = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'unspecified',
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
]

const useCompleteCrl = 'have the CA write a complete CRL of its own certificates'

/** Entries between two pauses: some milliseconds of work. */
const sliceEntries = 1000

/** Work that may be paused: each `yield` is a place for it. */
type Sliced<T> = Generator<undefined, T>

function atOnce<T>(work: Sliced<T>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** Parses one CRL, which must be all of `der`. Its signature is not checked: see `verifyCrl`. */
export function parseCrl(der: Buffer): Result<Crl> {
  return atOnce(parsing(der))
}

function* parsing(der: Buffer): Sliced<Result<Crl>> {
  try {
    return ok(yield* readCrl(der))
  } catch (error) {
    if (error instanceof UnsupportedCrl) return fail(badCrl(`the CRL ${error.message}`, useCompleteCrl))
    if (error instanceof DerError) {
      return fail(
        badCrl(
          `the file is not a strict DER CRL: ${error.message}`,
          'check it with `openssl crl -noout -text -in FILE`, or fetch it again',
        ),
      )
    }
    throw error
  }
}

/** Parses a CRL file: DER, or PEM with one or more blocks of label `X509 CRL` (RFC 7468 §6). */
export function parseCrlFile(bytes: Buffer): Result<readonly Crl[]> {
  return atOnce(parsingFile(bytes))
}

/** As `parseCrlFile`, and others have their turn in between: 100,000 entries take a fifth of a second in all. */
export async function parseCrlFileInSlices(bytes: Buffer): Promise<Result<readonly Crl[]>> {
  const work = parsingFile(bytes)
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    await nextTurn()
  }
}

function* parsingFile(bytes: Buffer): Sliced<Result<readonly Crl[]>> {
  const ders = bytes[0] === tag.sequence ? [bytes] : pemBlocks(bytes)
  if (ders === undefined || ders.length === 0) {
    return fail(
      badCrl(
        'the file is neither DER nor PEM with the label `X509 CRL`',
        'a PEM file begins with -----BEGIN X509 CRL-----',
      ),
    )
  }
  const crls: Crl[] = []
  for (const der of ders) {
    const parsed = yield* parsing(der)
    if (!parsed.ok) return parsed
    crls.push(parsed.value)
  }
  return ok(crls)
}

/** Whether this key signed the CRL. */
export function verifyCrl(crl: Crl, issuerKey: KeyObject): boolean {
  return verifySignature(crl.signatureOid, crl.tbs, crl.signature, issuerKey)
}

/** A CRL that is well formed, but of a kind that may not be read as complete. */
class UnsupportedCrl extends Error {}

function badCrl(sentence: string, help: string): Problem {
  return problem('accept/bad-crl', sentence, { help })
}

/** CertificateList (RFC 5280 §5.1). */
function* readCrl(der: Buffer): Sliced<Crl> {
  const { tbs, outerAlgorithm, signature } = readOnly(der, tag.sequence, list => ({
    tbs: list.takeWhole(tag.sequence),
    outerAlgorithm: list.takeWhole(tag.sequence),
    signature: wholeOctets(list.take(tag.bitString)),
  }))
  const { innerAlgorithm, revoked, ...content } = readOnly(tbs, tag.sequence, readTbs)
  const signatureOid = requireSameAlgorithm(innerAlgorithm, outerAlgorithm)
  if (!isAcceptedAlgorithm(signatureOid))
    throw new UnsupportedCrl(`is signed with ${signatureOid}, which is weaker than SHA-256 or not known`)
  return { ...content, entries: yield* readEntries(revoked), signatureOid, der, tbs, signature }
}

type TbsContent = Omit<Crl, 'entries' | 'signatureOid' | 'der' | 'tbs' | 'signature'> & {
  readonly innerAlgorithm: Buffer
  /** Contents of revokedCertificates. */
  readonly revoked: Buffer
}

/** TBSCertList (RFC 5280 §5.1.2). */
function readTbs(tbs: DerReader): TbsContent {
  const version = tbs.takeOptional(tag.integer)
  if (version !== undefined && smallInteger(version) !== 1)
    throw new UnsupportedCrl('is of a version other than 1 or 2')
  const innerAlgorithm = tbs.takeWhole(tag.sequence)
  const issuer = tbs.takeWhole(tag.sequence)
  const thisUpdate = takeTime(tbs)
  if (tbs.nextTag !== tag.utcTime && tbs.nextTag !== tag.generalizedTime) {
    throw new UnsupportedCrl('has no nextUpdate, so that nobody can tell when it is stale (RFC 5280 §5.1.2.5)')
  }
  const nextUpdate = takeTime(tbs)
  if (nextUpdate <= thisUpdate) throw new UnsupportedCrl('has a nextUpdate that is not after its thisUpdate')
  const revoked = tbs.takeOptional(tag.sequence) ?? Buffer.alloc(0)
  const extensions = readCrlExtensions(tbs, version !== undefined)
  return { innerAlgorithm, issuer, thisUpdate, nextUpdate, revoked, ...extensions }
}

function* readEntries(contents: Buffer): Sliced<Map<string, RevokedEntry>> {
  const revoked = new DerReader(contents)
  const entries = new Map<string, RevokedEntry>()
  const readEntry = (entry: DerReader): void => {
    const serial = integerHex(entry.take(tag.integer))
    const date = takeTime(entry)
    const extensions = entry.insideOptional(tag.sequence, readExtensions)
    entries.set(serial, { reason: extensions === undefined ? 'unspecified' : readReason(extensions), date })
  }
  for (let count = 1; !revoked.done; count++) {
    revoked.inside(tag.sequence, readEntry)
    if (count % sliceEntries === 0) yield
  }
  return entries
}

/** RFC 5280 §5.3: an unknown critical entry extension makes the whole CRL unusable. */
function readReason(extensions: ReadonlyMap<string, DerExtension>): string {
  if (extensions.has(oids.certificateIssuer))
    throw new UnsupportedCrl('is indirect: it lists certificates of other CAs')
  refuseUnknownCritical(extensions, knownInEntry)
  const code = extensions.get(oids.reasonCode)
  if (code === undefined) return 'unspecified'
  const number = readWhole(code.value, value => smallInteger(value.take(tag.enumerated)))
  // whatever the reason, even removeFromCRL, which only a delta CRL may use: the certificate is listed, so it is revoked
  return reasons[number] ?? 'unspecified'
}

function readCrlExtensions(tbs: DerReader, isVersion2: boolean): Pick<Crl, 'number' | 'authorityKeyId'> {
  const extensions = tbs.insideOptional(tag.context(0), wrapper => wrapper.inside(tag.sequence, readExtensions))
  if (extensions === undefined) return { number: undefined, authorityKeyId: undefined }
  if (!isVersion2) throw new UnsupportedCrl('has extensions although it is of version 1 (RFC 5280 §5.1.2.1)')
  if (extensions.has(oids.deltaCrlIndicator)) throw new UnsupportedCrl('is a delta CRL: it lists changes only')
  refuseUnknownCritical(extensions, knownInCrl)
  refusePartial(extensions.get(oids.issuingDistributionPoint))
  const keyId = extensions.get(oids.authorityKeyIdentifier)
  return {
    number: readNumber(extensions.get(oids.crlNumber)),
    authorityKeyId: keyId === undefined ? undefined : readAuthorityKeyId(keyId.value),
  }
}

function refuseUnknownCritical(extensions: ReadonlyMap<string, DerExtension>, known: ReadonlySet<string>): void {
  for (const { oid, critical } of extensions.values()) {
    if (critical && !known.has(oid)) throw new UnsupportedCrl(`has the critical extension ${oid}, which is not known`)
  }
}

/** RFC 5280 §5.2.5: a distribution point's name changes nothing; any `only…` or `indirectCRL` does. */
function refusePartial(extension: DerExtension | undefined): void {
  if (extension === undefined) return
  const fields = readOnly(extension.value, tag.sequence, point => {
    point.takeOptional(tag.context(0))
    return point.each(one => one.takeAny())
  })
  for (const field of fields) {
    if (field.tag === tag.contextPrimitive(3)) throw new UnsupportedCrl('covers some reasons only (onlySomeReasons)')
    if (!derBoolean(field.contents)) continue
    if (field.tag === tag.contextPrimitive(4))
      throw new UnsupportedCrl('is indirect: it lists certificates of other CAs')
    throw new UnsupportedCrl('covers a part of the certificates only (its issuingDistributionPoint says so)')
  }
}

/** RFC 5280 §5.2.3: at most 20 octets. */
function readNumber(extension: DerExtension | undefined): bigint | undefined {
  if (extension === undefined) return undefined
  const contents = readWhole(extension.value, value => value.take(tag.integer))
  if ((contents[0] ?? 0) >= 0x80 || contents.length > 20)
    throw new DerError('a cRLNumber that is negative or longer than 20 octets')
  return BigInt(`0x${integerHex(contents)}`)
}

const pemPattern = /-----BEGIN X509 CRL-----\s+([A-Za-z0-9+/=\s]+)-----END X509 CRL-----/g

/** The blocks of a PEM file; undefined where a block is begun that is not whole. */
function pemBlocks(bytes: Buffer): Buffer[] | undefined {
  const text = bytes.toString('latin1')
  const blocks = [...text.matchAll(pemPattern)].map(match => Buffer.from(match[1] ?? '', 'base64'))
  return blocks.length === text.split('-----BEGIN X509 CRL-----').length - 1 ? blocks : undefined
}
