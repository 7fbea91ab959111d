/**
 * Distinguished names and subject alternative names, from typed parts only: no string is ever parsed into a name, so a
 * value can never add an attribute (`a,OU=admin` stays one value, and is refused before that).
 */
import { isIP } from 'node:net'
import { PortcullisError, problem } from '../problem.ts'
import { contextPrimitive, oid, printableString, sequence, setOfOne, utf8String } from './der.ts'

interface AttributeKind {
  readonly oid: string
  /** RFC 5280 appendix A fixes PrintableString for country and serialNumber; UTF8String elsewhere (§4.1.2.4). */
  readonly encode: (text: string) => Buffer
}

/** Attributes that a subject made here can have. */
export type AttributeType = 'CN' | 'serialNumber' | 'C' | 'L' | 'ST' | 'O' | 'OU' | 'title' | 'UID'

const attributeKinds: Readonly<Record<AttributeType, AttributeKind>> = {
  CN: { oid: '2.5.4.3', encode: utf8String },
  serialNumber: { oid: '2.5.4.5', encode: printableString },
  C: { oid: '2.5.4.6', encode: printableString },
  L: { oid: '2.5.4.7', encode: utf8String },
  ST: { oid: '2.5.4.8', encode: utf8String },
  O: { oid: '2.5.4.10', encode: utf8String },
  OU: { oid: '2.5.4.11', encode: utf8String },
  title: { oid: '2.5.4.12', encode: utf8String },
  UID: { oid: '0.9.2342.19200300.100.1.1', encode: utf8String },
}

/** One attribute of a subject: `['OU', 's1']`. */
export type SubjectAttribute = readonly [type: AttributeType, value: string]

/** Subject alternative names by type (RFC 5280 §4.2.1.6). */
export interface AlternativeNames {
  readonly dns?: readonly string[]
  readonly ip?: readonly string[]
  readonly uri?: readonly string[]
  readonly email?: readonly string[]
}

const nameValue = /^[A-Za-z0-9._:-](?:[A-Za-z0-9._: -]{0,62}[A-Za-z0-9._:-])?$/
const printableValue = /^[A-Za-z0-9.:-](?:[A-Za-z0-9.: -]{0,62}[A-Za-z0-9.:-])?$/
const dnsName =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/
const emailName = /^[A-Za-z0-9._%+-]{1,64}@(?=.{1,253}$)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$/
const uriName = /^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]{1,200}$/

/** Name ::= one RDN for each attribute, in the order given (RFC 5280 §4.1.2.4). */
export function encodeName(attributes: readonly SubjectAttribute[]): Buffer {
  if (attributes.length === 0) throw badName('a subject needs at least one attribute')
  return sequence(...attributes.map(encodeAttribute))
}

function encodeAttribute([type, value]: SubjectAttribute): Buffer {
  const kind = attributeKinds[type]
  const allowed = kind.encode === printableString ? printableValue : nameValue
  if (!allowed.test(value) || (type === 'C' && !/^[A-Z]{2}$/.test(value))) {
    throw badName(`${type} ${JSON.stringify(value)} cannot stand in a certificate made here`)
  }
  return setOfOne(sequence(oid(kind.oid), kind.encode(value)))
}

/** GeneralNames, or undefined where there are none: an empty one is not allowed. */
export function encodeAlternativeNames(names: AlternativeNames): Buffer | undefined {
  const entries = [
    ...(names.email ?? []).map(address => contextPrimitive(1, checked(address, emailName, 'e-mail address'))),
    ...(names.dns ?? []).map(name => contextPrimitive(2, checked(name, dnsName, 'DNS name'))),
    ...(names.uri ?? []).map(name => contextPrimitive(6, checked(name, uriName, 'URI'))),
    ...(names.ip ?? []).map(address => contextPrimitive(7, ipBytes(address))),
  ]
  return entries.length === 0 ? undefined : sequence(...entries)
}

function checked(text: string, allowed: RegExp, what: string): Buffer {
  if (!allowed.test(text)) throw badName(`${what} ${JSON.stringify(text)} cannot stand in a certificate made here`)
  return Buffer.from(text, 'latin1')
}

/** Four or sixteen octets in network byte order (RFC 5280 §4.2.1.6). */
function ipBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  if (isIP(address) !== 6 || address.includes('%')) throw badName(`${JSON.stringify(address)} is no IP address`)
  const [head = '', tail] = withoutDottedQuad(address).split('::')
  const left = groups(head)
  const right = groups(tail ?? '')
  const zeros = new Array<number>(8 - left.length - right.length).fill(0)
  return Buffer.from([...left, ...zeros, ...right].flatMap(group => [group >> 8, group & 0xff]))
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16))
}

function withoutDottedQuad(address: string): string {
  return address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    return `${((Number(a) << 8) | Number(b)).toString(16)}:${((Number(c) << 8) | Number(d)).toString(16)}`
  })
}

function badName(sentence: string): PortcullisError {
  const help = 'use letters, digits, dot, colon, hyphen and underscore, at most 64 characters'
  return new PortcullisError([problem('provision/bad-name', sentence, { help })])
}
