/** How much of a log an audit holds at a time. What does not fit is left out, and the answer says so. */

export interface LogLimits {
  /** Different certificates. */
  readonly certificates: number
  /** Different identities that were refused, and different addresses from which nobody was let in; each. */
  readonly refused: number
  /** Open connections of one certificate, and of all. */
  readonly connections: number
  readonly allConnections: number
  /** Characters of an identity, a client id or an address. */
  readonly characters: number
}

/** Together some 400 MB, where a stranger fills all of them with names as long as they may be. */
export const logLimits: LogLimits = {
  certificates: 200_000,
  refused: 50_000,
  connections: 64,
  allConnections: 250_000,
  characters: 256,
}
