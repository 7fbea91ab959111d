/** Certificates in an envelope: a CMS SignedData that signs nothing, "certs-only" (RFC 5652 §5, RFC 7030 §4.1.3), written and read. */
import { DerError, type DerReader, readOnly, tag } from '../../accept/der.ts'
import { oidText, smallInteger } from '../../accept/der-values.ts'
import { context, encode, integer, oid, sequence } from '../der.ts'

const signedData = '1.2.840.113549.1.7.2'
const data = '1.2.840.113549.1.7.1'
const emptySet = encode(0x31)

/**
 * The envelope, DER: certificates stand in the order of their octets, as a SET OF does (X.690 §11.6).
 * @example const der = certsOnly([issuing.der, root.der])
 */
export function certsOnly(certificates: readonly Uint8Array[]): Buffer {
  const sorted = [...certificates].sort(Buffer.compare)
  const content = sequence(integer(1n), emptySet, sequence(oid(data)), context(0, ...sorted), emptySet)
  return sequence(oid(signedData), context(0, content))
}

/** The certificates of an envelope. Throws DerError where the octets are no certs-only message in DER. */
export function readCertsOnly(der: Uint8Array): readonly Buffer[] {
  return readOnly(der, tag.sequence, message => {
    if (oidText(message.take(tag.oid)) !== signedData) throw new DerError('the message is no SignedData')
    return message.inside(tag.context(0), wrapper => wrapper.inside(tag.sequence, readSignedData))
  })
}

function readSignedData(content: DerReader): readonly Buffer[] {
  const version = smallInteger(content.take(tag.integer))
  const algorithms = content.take(tag.set)
  const inner = content.inside(tag.sequence, one => oidText(one.take(tag.oid)))
  const certificates = content.inside(tag.context(0), list => list.each(one => one.takeWhole(tag.sequence)))
  content.takeOptional(tag.context(1)) // CRLs
  const signers = content.take(tag.set)
  if (version !== 1 || inner !== data || algorithms.length + signers.length > 0 || certificates.length === 0) {
    throw new DerError('the message is more, or less, than certificates')
  }
  return certificates
}
