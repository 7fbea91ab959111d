/** The names of a certificate, octet by octet, and whether a request asks for the same ones (RFC 7030 §4.2.2). */
import { type DerReader, readOnly, tag } from '../../accept/der.ts'
import { takeExtensionList } from '../../authenticate/extensions.ts'
import { readName } from '../../authenticate/names.ts'
import type { SigningRequest } from '../csr.ts'

export interface RawNames {
  /** Subject, DER. */
  readonly subjectName: Buffer
  /** subjectAltName, DER; undefined where there is none. */
  readonly alternativeNames: Buffer | undefined
}

/** Throws DerError where the octets are no certificate. */
export function rawNamesOf(der: Uint8Array): RawNames {
  const tbs = readOnly(der, tag.sequence, certificate => {
    const first = certificate.takeWhole(tag.sequence)
    certificate.takeWhole(tag.sequence)
    certificate.take(tag.bitString)
    return first
  })
  return readOnly(tbs, tag.sequence, readTbs)
}

/** RFC 5280 §4.1. */
function readTbs(tbs: DerReader): RawNames {
  tbs.insideOptional(tag.context(0), version => version.take(tag.integer))
  tbs.take(tag.integer)
  for (const _ of ['signature', 'issuer', 'validity']) tbs.takeWhole(tag.sequence)
  const subjectName = tbs.takeWhole(tag.sequence)
  tbs.takeWhole(tag.sequence)
  const extensions = tbs.insideOptional(tag.context(3), takeExtensionList) ?? []
  return { subjectName, alternativeNames: extensions.find(({ oid }) => oid === '2.5.29.17')?.value }
}

/** The same attributes in the same order, whatever string type each has, and the very same alternative names. */
export function asksForSameNames(request: SigningRequest, names: RawNames): boolean {
  const [asked, has] = [request.alternativeNames, names.alternativeNames]
  const isSame = asked === undefined ? has === undefined : has?.equals(asked) === true
  return isSame && nameText(request.subjectName) === nameText(names.subjectName)
}

function nameText(name: Buffer): string {
  return JSON.stringify(readName(name).map(({ type, value }) => [type, value.text, value.inMultiValuedRdn]))
}
