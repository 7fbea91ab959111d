/**
 * Distinguished names and subject alternative names, as policy fields. A value is handed on exactly as it stands:
 * never trimmed, case-folded or Unicode-normalised, and with the string type that the certificate gave it.
 */
import { type DerElement, DerError, type DerReader, readOnly, tag } from '../accept/der.ts'
import { oidText } from '../accept/der-values.ts'
import type { FieldName, FieldValue } from '../policy/model.ts'

/** One attribute of a distinguished name. */
export interface NameAttribute {
  readonly type: string
  readonly value: FieldValue
}

type FieldEntry = readonly [FieldName, FieldValue]

const attributeTypes: Readonly<Record<string, { readonly label: string; readonly field: string }>> = {
  '2.5.4.3': { label: 'CN', field: 'cn' },
  '2.5.4.5': { label: 'serialNumber', field: 'serialNumber' },
  '2.5.4.6': { label: 'C', field: 'c' },
  '2.5.4.7': { label: 'L', field: 'l' },
  '2.5.4.8': { label: 'ST', field: 'st' },
  '2.5.4.10': { label: 'O', field: 'o' },
  '2.5.4.11': { label: 'OU', field: 'ou' },
  '2.5.4.12': { label: 'title', field: 'title' },
  '0.9.2342.19200300.100.1.1': { label: 'UID', field: 'uid' },
}

/** The attributes of a Name, in order, over all RDNs (RFC 5280 §4.1.2.4). */
export function readName(name: Buffer): readonly NameAttribute[] {
  return readOnly(name, tag.sequence, rdns => rdns.each(one => one.inside(tag.set, readRdn))).flat()
}

function readRdn(rdn: DerReader): readonly NameAttribute[] {
  const attributes = rdn.each(one =>
    one.inside(tag.sequence, parts => ({ type: oidText(parts.take(tag.oid)), value: readString(parts.takeAny()) })),
  )
  if (attributes.length === 0) throw new DerError('a relative distinguished name is empty')
  const inMultiValuedRdn = attributes.length > 1
  return attributes.map(({ type, value: { text, stringType } }) => ({
    type,
    value: { text, stringType, inMultiValuedRdn },
  }))
}

const printable = /^[A-Za-z0-9 '()+,\-./:=?]*$/

/** A string whose content breaks its own type is `other`: no identity may be read from it. */
function readString({ tag: type, contents }: DerElement): Pick<FieldValue, 'text' | 'stringType'> {
  const latin1 = contents.toString('latin1')
  switch (type) {
    case tag.utf8String: {
      const text = decodeUtf8(contents)
      return text === undefined ? { text: latin1, stringType: 'other' } : { text, stringType: 'utf8' }
    }
    case tag.printableString:
      return { text: latin1, stringType: printable.test(latin1) ? 'printable' : 'other' }
    case tag.ia5String:
      return { text: latin1, stringType: isAscii(contents) ? 'ia5' : 'other' }
    case tag.bmpString:
      return { text: utf16.decode(contents), stringType: 'other' }
    default:
      return { text: latin1, stringType: 'other' }
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const utf16 = new TextDecoder('utf-16be', { ignoreBOM: true })

function decodeUtf8(content: Uint8Array): string | undefined {
  try {
    return utf8.decode(content)
  } catch {
    return undefined
  }
}

function isAscii(content: Uint8Array): boolean {
  return content.every(octet => octet < 0x80)
}

/** The attributes of a subject or issuer that policies can name. */
export function nameFields(side: 'subject' | 'issuer', attributes: readonly NameAttribute[]): readonly FieldEntry[] {
  return attributes.flatMap(({ type, value }) => {
    const field = fieldOf(side, type)
    return field === undefined ? [] : [[field, value] as const]
  })
}

const issuerFields: ReadonlySet<string> = new Set(['cn', 'o', 'ou'])

function fieldOf(side: 'subject' | 'issuer', type: string): FieldName | undefined {
  const field = attributeTypes[type]?.field
  if (field === undefined || (side === 'issuer' && !issuerFields.has(field))) return undefined
  return `${side}.${field}` as FieldName
}

const alternativeFields: Readonly<Record<number, FieldName>> = {
  129: 'san.email', // [1] rfc822Name
  130: 'san.dns', // [2] dNSName
  134: 'san.uri', // [6] uniformResourceIdentifier
  135: 'san.ip', // [7] iPAddress
}

/** GeneralNames (RFC 5280 §4.2.1.6): the four kinds that policies can name; the other kinds are passed over. */
export function alternativeNameFields(extensionValue: Buffer): readonly FieldEntry[] {
  const names = readOnly(extensionValue, tag.sequence, list => list.each(one => one.takeAny()))
  if (names.length === 0) throw new DerError('subjectAltName is empty')
  return names.flatMap(name => {
    if ((name.tag & 0xc0) !== 0x80 || (name.tag & 0x1f) > 8) throw new DerError('subjectAltName holds no general name')
    const field = alternativeFields[name.tag]
    return field === undefined ? [] : [[field, alternativeName(field, name.contents)] as const]
  })
}

function alternativeName(field: FieldName, contents: Buffer): FieldValue {
  const text = field === 'san.ip' ? formatIp(contents) : contents.toString('latin1')
  const stringType = field === 'san.ip' || isAscii(contents) ? 'ia5' : 'other'
  return { text, stringType, inMultiValuedRdn: false }
}

/** An address as RFC 5952 writes it. */
export function formatIp(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.')
  if (octets.length !== 16) throw new DerError('an IP address is neither 4 nor 16 octets')
  const groups = Array.from({ length: 8 }, (_, i) => (octets[2 * i] ?? 0) * 256 + (octets[2 * i + 1] ?? 0))
  const text = groups.map(group => group.toString(16))
  const zeros = longestZeroRun(groups)
  if (zeros.length < 2) return text.join(':')
  return `${text.slice(0, zeros.start).join(':')}::${text.slice(zeros.start + zeros.length).join(':')}`
}

/** The first of the longest runs of zero groups (RFC 5952 §4.2.3). */
function longestZeroRun(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  groups.forEach((group, i) => {
    if (group !== 0) start = i + 1
    else if (i + 1 - start > best.length) best = { start, length: i + 1 - start }
  })
  return best
}

/** For people only, never for matching: `CN=pump-7, OU=s1`, anything but plain ASCII escaped, cut at 300 characters. */
export function displayName(attributes: readonly NameAttribute[]): string {
  const text = attributes
    .map(({ type, value }) => `${attributeTypes[type]?.label ?? type}=${escapeValue(value.text)}`)
    .join(', ')
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}

function escapeValue(text: string): string {
  return text
    .replace(/^#|[\\,+="<>;]/g, character => `\\${character}`)
    .replace(/[^\x20-\x7e]/gu, character => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}
