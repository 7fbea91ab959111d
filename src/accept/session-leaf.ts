/**
 * The leaf certificate as OpenSSL keeps it in the TLS session: the same object that `getPeerCertificate` describes at ten
 * times the cost, with its names, key and links taken apart (docs/decisions/0009-leaf-from-the-session.md).
 */
import type { TLSSocket } from 'node:tls'
import { DerError, readOnly, tag } from './der.ts'

/**
 * The DER of the peer's leaf; undefined where the session shows none, or is not of the form that we know: then Node is to be asked.
 * @example leafInSession(socket) ?? socket.getPeerCertificate().raw
 */
export function leafInSession(socket: Pick<TLSSocket, 'getSession'>): Buffer | undefined {
  // null where the socket is gone, whatever the types say
  const session = socket.getSession() as Buffer | null | undefined
  if (session === null || session === undefined) return undefined
  try {
    return readLeaf(session)
  } finally {
    // the key of the connection is in it
    session.fill(0)
  }
}

/** `SSL_SESSION_ASN1` of OpenSSL: version, protocol, cipher, session id, master key, [1] time, [2] timeout, [3] peer, and more. */
function readLeaf(session: Buffer): Buffer | undefined {
  try {
    return readOnly(session, tag.sequence, fields => {
      for (const expected of [tag.integer, tag.integer, tag.octetString, tag.octetString, tag.octetString])
        fields.take(expected)
      fields.takeOptional(tag.context(1))
      fields.takeOptional(tag.context(2))
      const peer = fields.insideOptional(tag.context(3), explicit => Buffer.from(explicit.takeWhole(tag.sequence)))
      while (!fields.done) fields.takeAny()
      return peer
    })
  } catch (error) {
    if (error instanceof DerError) return undefined
    throw error
  }
}
