/** Which certificates a name or a serial means. */
import { ConfigurationError, problem } from '../../problem.ts'
import type { Ledger } from '../../provision/ledger.ts'
import type { LedgerRecord } from '../../provision/ledger-record.ts'

export interface WhichDevice {
  readonly name?: string | undefined
  readonly serial?: string | undefined
  /** `device` or `device:site=s1,device=pump-7`, where two devices have one name. */
  readonly identity?: string | undefined
}

/** Every certificate of one device, or the one with the serial. Throws where there is none, or where two devices are meant. */
export function findRecords(ledger: Ledger, { name, serial, identity }: WhichDevice): readonly LedgerRecord[] {
  if (serial !== undefined) {
    const found = ledger.ofSerial(normalised(serial))
    if (found.length === 0) throw unknown(`the ledger has no certificate with the serial ${serial}`)
    return found
  }
  const found = ledger
    .ofName(name ?? '')
    .filter(record => record.profile === 'device' && (identity === undefined || isOfIdentity(record, identity)))
  if (found.length === 0) throw unknown(`the ledger has no certificate of ${name}`)
  const living = [...new Set(found.filter(({ state }) => state !== 'revoked').map(record => record.identity))]
  if (living.length <= 1) return found
  throw ambiguous(name ?? '', living)
}

/** `identity` is the whole of it, or its kind. */
export function isOfIdentity(record: Pick<LedgerRecord, 'identity'>, identity: string): boolean {
  return record.identity === identity || record.identity?.split(':', 1)[0] === identity
}

export function ambiguous(name: string, identities: readonly (string | undefined)[]): ConfigurationError {
  const help = 'say which one with --identity'
  return new ConfigurationError([
    problem('provision/ambiguous-name', `${name} is ${identities.join(' and ')}`, { help }),
  ])
}

/** As openssl writes it, `62:AB:…`, or as the ledger does. */
function normalised(serial: string): string {
  return serial
    .replaceAll(':', '')
    .toLowerCase()
    .replace(/^(?:00)+(?=.)/, '')
}

function unknown(sentence: string): ConfigurationError {
  return new ConfigurationError([
    problem('provision/unknown-certificate', sentence, { help: '`portcullis device list` shows what there is' }),
  ])
}
