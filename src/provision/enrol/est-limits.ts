/** The limits of the enrolment service, in one table. */

export interface EstLimits {
  /** From TLS to the last byte of the request, and again to the last byte of the answer. */
  readonly requestSeconds: number
  readonly handshakeSeconds: number
  /** Request line and headers: a token has about 500. */
  readonly headerBytes: number
  /** A request body: the largest key that is taken, RSA of 8192 bits, needs about 4,000. */
  readonly bodyBytes: number
  /** Of a body that is refused, so much is read and thrown away, so that the answer arrives. */
  readonly drainBytes: number
  /** Requests of one address (IPv6: one /64) in a minute, whatever they are. */
  readonly perAddressPerMinute: number
  /** Requests in a minute that are known to come from one device, by its token or its certificate. */
  readonly perNamePerMinute: number
  /** Addresses, and as many names, that are counted singly; those beyond share one count. */
  readonly tracked: number
  readonly connections: number
  readonly connectionsPerAddress: number
}

export const defaultEstLimits: EstLimits = {
  requestSeconds: 10,
  handshakeSeconds: 10,
  headerBytes: 8 * 1024,
  bodyBytes: 16 * 1024,
  drainBytes: 256 * 1024,
  perAddressPerMinute: 120,
  perNamePerMinute: 6,
  tracked: 10_000,
  connections: 256,
  connectionsPerAddress: 32,
}
