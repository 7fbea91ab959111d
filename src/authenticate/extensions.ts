/** Extensions of a certificate (RFC 5280 §4.2), reduced to what the rules judge. */
import { DerError, type DerReader, readOnly, tag } from '../accept/der.ts'
import {
  type BasicConstraints,
  type DerExtension,
  readAuthorityKeyId,
  readBasicConstraints,
  readKeyUsage,
  readSubjectKeyId,
  takeExtension,
} from '../accept/der-structures.ts'
import { oidText } from '../accept/der-values.ts'

/** What the extensions say; undefined where one is absent. */
export interface ExtensionFacts {
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined
  /** Object identifiers, in order. */
  readonly extendedKeyUsage: readonly string[] | undefined
  readonly basicConstraints: BasicConstraints | undefined
  readonly subjectKeyId: Uint8Array | undefined
  readonly authorityKeyId: Uint8Array | undefined
  /** Object identifiers of critical extensions that nothing here reads. */
  readonly unknownCriticalExtensions: readonly string[]
  /** Object identifiers that occur more than once. */
  readonly duplicateExtensions: readonly string[]
}

/** Bit numbers of RFC 5280 §4.2.1.3, in order. */
const keyUsages = [
  'digitalSignature',
  'contentCommitment',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const

export type KeyUsage = (typeof keyUsages)[number]

const ids = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const

const known: ReadonlySet<string> = new Set(Object.values(ids))

/** Reads the contents of `[3] EXPLICIT Extensions`. */
export function takeExtensionList(field: DerReader): readonly DerExtension[] {
  const list = field.inside(tag.sequence, extensions => extensions.each(takeExtension))
  if (list.length === 0) throw new DerError('the list of extensions is empty')
  return list
}

/** What the extensions say. Of one that occurs twice the first is read; a rule refuses both. */
export function factsOf(
  extensions: readonly DerExtension[],
): ExtensionFacts & { readonly subjectAltName: Buffer | undefined } {
  const read = <T>(id: string, reader: (value: Buffer) => T): T | undefined => {
    const value = extensions.find(extension => extension.oid === id)?.value
    return value === undefined ? undefined : reader(value)
  }
  return {
    keyUsage: read(ids.keyUsage, keyUsageOf),
    extendedKeyUsage: read(ids.extendedKeyUsage, readExtendedKeyUsage),
    basicConstraints: read(ids.basicConstraints, readBasicConstraints),
    subjectKeyId: read(ids.subjectKeyId, readSubjectKeyId),
    authorityKeyId: read(ids.authorityKeyId, readAuthorityKeyId),
    unknownCriticalExtensions: extensions
      .filter(({ critical, oid }) => critical && !known.has(oid))
      .map(({ oid }) => oid),
    duplicateExtensions: duplicates(extensions.map(({ oid }) => oid)),
    subjectAltName: read(ids.subjectAltName, value => value),
  }
}

function duplicates(list: readonly string[]): readonly string[] {
  const [seen, twice] = [new Set<string>(), new Set<string>()]
  for (const one of list) (seen.has(one) ? twice : seen).add(one)
  return [...twice]
}

function keyUsageOf(value: Buffer): ReadonlySet<KeyUsage> {
  const octets = readKeyUsage(value)
  return new Set(keyUsages.filter((_, bit) => ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0))
}

function readExtendedKeyUsage(value: Buffer): readonly string[] {
  return readOnly(value, tag.sequence, purposes => purposes.each(one => oidText(one.take(tag.oid))))
}
