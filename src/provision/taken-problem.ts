/** What is said where a certificate would hold something that another one holds. */
import { type Problem, problem } from '../problem.ts'
import type { LedgerRecord, Reservation } from './ledger-record.ts'

export function takenProblem(wanted: Reservation, hold: string, holder: LedgerRecord): Problem {
  const [kind = '', text = ''] = hold.split(' ', 2)
  const what = kind === 'key' ? 'the key' : kind === 'client-id' ? `the client id ${text}` : text
  const isOwn = holder.identity !== undefined && holder.identity === wanted.identity
  if (holder.state === 'reserved') {
    const sentence = `${what} is reserved since ${holder.since.toISOString()} for ${holder.identity ?? holder.name}`
    const help = `another command may be issuing it; a minute after that time, or after revoking serial ${holder.serialHex}, it can be issued`
    return problem('provision/taken', sentence, { help })
  }
  const sentence = isOwn
    ? `${wanted.name} has a certificate already, serial ${holder.serialHex}, until ${holder.notAfter.toISOString()}`
    : `${what} belongs to ${holder.identity ?? holder.name}, serial ${holder.serialHex}, until ${holder.notAfter.toISOString()}`
  const help = isOwn
    ? `renew it: portcullis device renew ${wanted.name}`
    : 'choose another name, or revoke the other certificate first'
  return problem('provision/taken', sentence, { help })
}
