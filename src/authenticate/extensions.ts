/** Extensions of a certificate (RFC 5280 §4.2), reduced to what the rules judge. */
import {
  cursor,
  DerError,
  type DerValue,
  derTags,
  readAll,
  readBits,
  readBoolean,
  readOid,
  readOne,
  readSmallInteger,
} from './der-reader.ts'

export interface BasicConstraints {
  readonly ca: boolean
  readonly pathLength: number | undefined
}

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

interface Extension {
  readonly id: string
  readonly critical: boolean
  readonly value: Uint8Array
}

/** Reads `[3] EXPLICIT Extensions`. Of an extension that occurs twice the first is read; a rule refuses both. */
export function readExtensions(field: DerValue | undefined): {
  readonly facts: ExtensionFacts
  readonly subjectAltName: Uint8Array | undefined
} {
  const extensions = field === undefined ? [] : readList(field)
  const contentOf = (id: string): Uint8Array | undefined => extensions.find(extension => extension.id === id)?.value
  const read = <T>(id: string, reader: (value: Uint8Array) => T): T | undefined => {
    const value = contentOf(id)
    return value === undefined ? undefined : reader(value)
  }
  return {
    facts: {
      keyUsage: read(ids.keyUsage, readKeyUsage),
      extendedKeyUsage: read(ids.extendedKeyUsage, readExtendedKeyUsage),
      basicConstraints: read(ids.basicConstraints, readBasicConstraints),
      subjectKeyId: read(ids.subjectKeyId, value => readOne(value, derTags.octetString).content),
      authorityKeyId: read(ids.authorityKeyId, readAuthorityKeyId),
      unknownCriticalExtensions: extensions
        .filter(({ critical, id }) => critical && !known.has(id))
        .map(({ id }) => id),
      duplicateExtensions: duplicates(extensions.map(({ id }) => id)),
    },
    subjectAltName: contentOf(ids.subjectAltName),
  }
}

function readList(field: DerValue): readonly Extension[] {
  const list = readAll(readOne(field.content, derTags.sequence).content)
  if (list.length === 0) throw new DerError('the list of extensions is empty')
  return list.map(readExtension)
}

function readExtension(value: DerValue): Extension {
  if (value.tag !== derTags.sequence) throw new DerError('an extension is no sequence')
  const parts = cursor(value.content)
  const id = readOid(parts.take(derTags.oid))
  // FALSE, the default, should be left out; certificates that write it are common, and it has one meaning only
  const flag = parts.takeIf(derTags.boolean)
  const content = parts.take(derTags.octetString).content
  parts.end()
  return { id, critical: flag !== undefined && readBoolean(flag), value: content }
}

function duplicates(list: readonly string[]): readonly string[] {
  return [...new Set(list.filter((id, i) => list.indexOf(id) !== i))]
}

function readKeyUsage(value: Uint8Array): ReadonlySet<KeyUsage> {
  const { octets } = readBits(readOne(value, derTags.bitString))
  return new Set(keyUsages.filter((_, bit) => ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0))
}

function readExtendedKeyUsage(value: Uint8Array): readonly string[] {
  return readAll(readOne(value, derTags.sequence).content).map(purpose => {
    if (purpose.tag !== derTags.oid) throw new DerError('a key purpose is no object identifier')
    return readOid(purpose)
  })
}

function readBasicConstraints(value: Uint8Array): BasicConstraints {
  const parts = cursor(readOne(value, derTags.sequence).content)
  const ca = parts.takeIf(derTags.boolean)
  const pathLength = parts.takeIf(derTags.integer)
  parts.end()
  return {
    ca: ca !== undefined && readBoolean(ca),
    pathLength: pathLength === undefined ? undefined : readSmallInteger(pathLength),
  }
}

/** The key identifier only (§4.2.1.1); issuer and serial, the other way to name a key, are passed over. */
function readAuthorityKeyId(value: Uint8Array): Uint8Array | undefined {
  return readAll(readOne(value, derTags.sequence).content).find(part => part.tag === 0x80)?.content
}
