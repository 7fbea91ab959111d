/** What a ledger keeps of one certificate, and how a row of it is read. */
import type { CrlReason } from './crl-writer.ts'

/**
 * `reserved`: the serial is taken, nobody has the certificate. `issued`: somebody may have it. `superseded`: a newer one
 * took its place. `revoked`: it must not be accepted. The last two are on the CRL.
 */
export type LedgerState = 'reserved' | 'issued' | 'superseded' | 'revoked'

export interface LedgerRecord {
  /** Subject key identifier of the CA that signed it, hex. */
  readonly issuerKeyId: string
  readonly serialHex: string
  readonly state: LedgerState
  readonly profile: 'device' | 'server'
  readonly name: string
  /** `device:site=s1,device=pump-7`; undefined for a server. */
  readonly identity: string | undefined
  /** `+` stands for the part that the client chooses. */
  readonly clientIds: readonly string[]
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  readonly keyHash: string
  readonly notAfter: Date
  /** The certificate, once it was signed. */
  readonly der: Buffer | undefined
  /** When it came into this state. */
  readonly since: Date
  readonly reason: CrlReason | undefined
}

/** What must be known before a certificate is signed. */
export interface Reservation
  extends Pick<
    LedgerRecord,
    'issuerKeyId' | 'serialHex' | 'profile' | 'name' | 'identity' | 'clientIds' | 'keyHash' | 'notAfter'
  > {
  /** What no other living certificate may hold, as `kind text`: `client-id pump-7`. */
  readonly holds: readonly string[]
  /** Certificates of the same identity may stand beside it. */
  readonly renew: boolean
  /** Id of the enrolment token that it spends. */
  readonly token?: string | undefined
  /** Serial of the certificate that asked for it: where that is not in force any more, it is refused. */
  readonly successorOf?: Pick<LedgerRecord, 'issuerKeyId' | 'serialHex'> | undefined
}

/** One step of a certificate's life. */
export interface LedgerEvent {
  readonly state: LedgerState
  readonly at: Date
  readonly by: string
  readonly reason: CrlReason | undefined
}

type Row = Record<string, unknown>

export function recordOf(value: unknown): LedgerRecord {
  const row = value as Row
  const der = row['der'] as ArrayBuffer | null
  return {
    issuerKeyId: String(row['issuer_key_id']),
    serialHex: String(row['serial']),
    state: row['state'] as LedgerState,
    profile: row['profile'] as LedgerRecord['profile'],
    name: String(row['name']),
    identity: (row['identity'] as string | null) ?? undefined,
    clientIds: JSON.parse(String(row['client_ids'])) as readonly string[],
    keyHash: String(row['key_hash']),
    notAfter: new Date(Number(row['not_after'])),
    der: der === null ? undefined : Buffer.from(der),
    since: new Date(Number(row['since'])),
    reason: (row['reason'] as CrlReason | null) ?? undefined,
  }
}

export function eventOf(value: unknown): LedgerEvent {
  const row = value as Row
  return {
    state: row['state'] as LedgerState,
    at: new Date(Number(row['at'])),
    by: String(row['by']),
    reason: (row['reason'] as CrlReason | null) ?? undefined,
  }
}
