/** Whether a renewal would certify a key that the device had before. */
import type { KeyObject } from 'node:crypto'
import { type Problem, problem } from '../problem.ts'
import { keyHashOf } from './keys.ts'
import type { LedgerRecord } from './ledger-record.ts'

/**
 * Undefined where the key is new. One that was taken back after a failure does not count: nobody had that certificate, and
 * the same request may be sent again.
 */
export function sameKeyProblem(
  records: readonly LedgerRecord[],
  name: string,
  publicKey: KeyObject,
): Problem | undefined {
  const keyHash = keyHashOf(publicKey)
  const before = records.find(one => one.keyHash === keyHash && one.state !== 'reserved' && !isTakenBack(one))
  if (before === undefined) return undefined
  const sentence = `the request of ${name} is for the key that it has had before, serial ${before.serialHex}`
  const help = 'make a new key on the device; where it cannot, pass --same-key'
  return problem('provision/same-key', sentence, { help })
}

function isTakenBack({ state, reason }: LedgerRecord): boolean {
  return state === 'revoked' && reason === 'cessationOfOperation'
}
