/** Peer: a finished TLS handshake, read from the socket once. Nothing asks the socket again (docs/semantics.md 1.2). */
import { hash } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { plainAddress } from './plain-address.ts'
import { leafInSession } from './session-leaf.ts'

export interface Peer {
  readonly address: string
  readonly port: number
  /** DER of the leaf certificate; undefined where the client showed none. */
  readonly leafDer: Buffer | undefined
  /** SHA-256 of the leaf, lower-case hex; empty without a leaf. */
  readonly fingerprint: string
  /** What TLS itself says of the chain: necessary, never sufficient. */
  readonly authorized: boolean
  /** OpenSSL's reason where `authorized` is false, such as `CERT_HAS_EXPIRED`. */
  readonly authorizationError: string | undefined
  readonly resumed: boolean
}

/**
 * Reads the peer of a TLS socket; call once, in `secureConnection`.
 * A socket that is already gone gives a peer without a leaf, which every later stage refuses.
 */
export function readPeer(socket: TLSSocket): Peer {
  const leafDer = leafOf(socket)
  const error: unknown = socket.authorizationError
  return {
    address: plainAddress(socket.remoteAddress),
    port: socket.remotePort ?? 0,
    leafDer,
    fingerprint: leafDer === undefined ? '' : hash('sha256', leafDer, 'hex'),
    authorized: socket.authorized,
    authorizationError: error === undefined || error === null ? undefined : String(error),
    resumed: socket.isSessionReused(),
  }
}

/** What the session says comes first: the same bytes, without what Node makes of them for every connection. */
function leafOf(socket: TLSSocket): Buffer | undefined {
  const leaf = leafInSession(socket)
  if (leaf !== undefined) return leaf
  try {
    // `{}` where there is none
    return (socket.getPeerCertificate() as { raw?: Buffer } | null)?.raw
  } catch {
    // Node reads more of it than we do, and may stumble over a text in it
    return socket.getPeerX509Certificate()?.raw
  }
}
