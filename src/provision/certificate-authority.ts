/** An authority as one object, for programs: what the commands `ca` and `device` do, by the same code, with nothing printed. */
import type { KeyObject } from 'node:crypto'
import { Turns } from '../bind/turns.ts'
import type { PolicySet } from '../policy/model.ts'
import { fail, ok, problem, type Result } from '../problem.ts'
import type { SignedCertificate } from './authority.ts'
import { type CaFolder, createCa, type OpenCa, openCa } from './ca-folder.ts'
import { type PublishedCrl, publishCrl } from './crl-file.ts'
import type { CrlReason } from './crl-writer.ts'
import type { KnownIssuer } from './entitlement.ts'
import { wantedIdentity } from './identity-names.ts'
import { issueThroughLedger, type LeafPlan } from './issue-leaf.ts'
import type { KeyType } from './keys.ts'
import type { LedgerEvent, LedgerRecord } from './ledger-record.ts'
import { type DevicePlan, planDevice } from './plan-device.ts'
import { revokeCertificates } from './revoke-certificates.ts'
import { planServer } from './server-plan.ts'
import { noFiles, type StagedFiles } from './staged-files.ts'

export interface AuthorityAccess {
  /** Who does it, for the ledger: `ops@host`. */
  readonly by: string
  /** Of the private keys; undefined where they are not encrypted. */
  readonly passphrase?: string
  /** Default: the system's clock. */
  readonly now?: () => Date
  /** So many unpredictable octets, for serial numbers (RFC 5280 §4.1.2.2). Default: those of `node:crypto`. */
  readonly random?: (octets: number) => Buffer
}

export interface NewAuthority extends AuthorityAccess {
  /** Letters, digits, `_` and `-`, at most 32: the organisation in the certificates, and the name of the CRL. */
  readonly name: string
  /** Of root and issuing CA. Default `p256`. */
  readonly keyType?: KeyType
  /** Days until the root ends. Default 7300. */
  readonly rootDays?: number
  /** Days until the issuing CA ends. Default 3650. */
  readonly issuingDays?: number
  /** Days until the next CRL must be there. Default 30. */
  readonly crlDays?: number
}

/** A device that is to have a certificate. Its names come from `from:` of its identity in the policy set, and from nowhere else. */
export interface DeviceWish {
  /** Of `loadPolicyFolder`, or of `loadPolicySet` of `portcullis/policy`. */
  readonly set: PolicySet
  /** The one capture that is not given: `pump-12`. */
  readonly name: string
  /** The others: `{ site: 's1' }`. */
  readonly captures?: Readonly<Record<string, string>>
  /** Name of the identity in the set. Default: the only one, or `device`. */
  readonly kind?: string
  /** Of `createKeys` or `readRequest`. */
  readonly publicKey: KeyObject
  /** Validity in days, from now (RFC 5280 §4.1.2.5; it begins five minutes earlier, for clocks that are behind). Default 365. */
  readonly days?: number
  /** How the configuration of the gate names this authority. Default: as it was created, with no `only:`. */
  readonly issuer?: KnownIssuer
}

export interface ServerWish {
  readonly name: string
  /** Names and addresses that clients reach it by (RFC 5280 §4.2.1.6); at least one of either. */
  readonly dns?: readonly string[]
  readonly ip?: readonly string[]
  readonly publicKey: KeyObject
  /** Validity in days. Default 365. */
  readonly days?: number
}

/** Writes the files of the signed certificate under temporary names; they are given their own once the ledger knows it. */
export type Stage = (signed: SignedCertificate) => Promise<StagedFiles>

export interface Certified {
  readonly certificate: SignedCertificate
  /** The certificate, then the issuing CA, PEM: what its holder shows in TLS (RFC 8446 §4.4.2). */
  readonly chainPem: string
  /** Certificates that it took the place of. */
  readonly superseded: readonly LedgerRecord[]
}

const defaultDays = 365
const defaultCrlDays = 30

/**
 * Makes an authority in a new folder: root, issuing CA (pathLenConstraint 0, RFC 5280 §4.2.1.9), ledger and an empty CRL. The folder
 * appears whole or not at all. Rejects with PortcullisError `provision/file-exists` or `provision/bad-validity`, and as the disk does.
 * @example await createCertificateAuthority('ca', { name: 'acme', by: 'ops@host', passphrase })
 */
export function createCertificateAuthority(folder: string, options: NewAuthority): Promise<CaFolder> {
  const { name, keyType = 'p256', passphrase, rootDays = 7300, issuingDays = 3650, crlDays = defaultCrlDays } = options
  return createCa(folder, { name, keyType, passphrase, rootDays, issuingDays, crlDays }, accessOf(options))
}

/**
 * Opens an authority for signing; `close` it. Rejects with PortcullisError: `provision/not-a-ca`, `provision/wrong-passphrase`,
 * `provision/no-ledger`, `provision/bad-ledger`.
 * @example const authority = await openCertificateAuthority('ca', { by: 'ops@host', passphrase })
 */
export async function openCertificateAuthority(
  folder: string,
  options: AuthorityAccess,
): Promise<CertificateAuthority> {
  return new CertificateAuthority(await openCa(folder, options.passphrase, accessOf(options)), options.random)
}

function accessOf({ now = () => new Date(), by }: AuthorityAccess): { readonly now: () => Date; readonly by: string } {
  return { now, by }
}

/** An open authority. Expected refusals are returned; whatever makes all work impossible is thrown as PortcullisError. */
export class CertificateAuthority {
  readonly #ca: OpenCa
  readonly #random: AuthorityAccess['random']
  readonly #turns = new Turns()

  /** Use `openCertificateAuthority`. */
  constructor(ca: OpenCa, random: AuthorityAccess['random']) {
    this.#ca = ca
    this.#random = random
  }

  /** Names, certificates and files: what everybody may see. */
  get facts(): CaFolder {
    const { folder, name, root, issuing, rootPem, issuingPem, issuerKeyId, crlFile, issuingKeyFile, issuingCas } =
      this.#ca
    return { folder, name, root, issuing, rootPem, issuingPem, issuerKeyId, crlFile, issuingKeyFile, issuingCas }
  }

  /**
   * Asks what the gate would make of the certificate; nothing is made. Refused with `provision/bad-captures`, `bad-name`, `no-rights`,
   * `policy-refuses` and their like. Throws PortcullisError `provision/ca-expired`.
   * @example const plan = authority.planDevice({ set, name: 'pump-12', captures: { site: 's1' }, publicKey })
   */
  planDevice(wish: DeviceWish): Result<DevicePlan> {
    const { set, name, kind, captures = {}, publicKey, days = defaultDays } = wish
    const identity = wantedIdentity(set, { name, kind, given: new Map(Object.entries(captures)) })
    if (!identity.ok) return identity
    const issuer = wish.issuer ?? { name: this.#ca.name, only: new Map<string, readonly string[]>() }
    return planDevice(this.#ca, { set, issuer, identity: identity.value, name, publicKey, days })
  }

  /** Plans the certificate of a broker. Throws PortcullisError: `provision/bad-name`, `provision/ca-expired`. */
  planServer({ name, dns = [], ip = [], publicKey, days = defaultDays }: ServerWish): LeafPlan {
    return planServer(this.#ca, { name, dns, ip, publicKey, days })
  }

  /**
   * Issues what was planned: reserved in the ledger, signed, staged, noted as issued, published, in this order. Refused with
   * `provision/taken` or `provision/compromised-key`. Rejects where a disk fails; nobody has the certificate then.
   * @example const issued = await authority.issue(plan.value, signed => stageFiles([{ path: 'pump-12.pem', content: signed.pem, mode: 0o644 }]))
   */
  issue(plan: LeafPlan, stage?: Stage): Promise<Result<Certified>> {
    // a broker may have several, such as one for each machine
    return this.#inTurn(() => this.#issue(plan, { renew: plan.profile === 'server', supersede: false, stage }))
  }

  /**
   * Issues a new certificate to who has one already. The old ones stay good unless `supersede`, which puts them on the CRL and writes it.
   * Refused with `provision/unknown-certificate` where there is none in use, and as `planDevice` and `issue` are.
   */
  renew(
    wish: DeviceWish,
    options: { readonly supersede?: boolean; readonly crlDays?: number; readonly stage?: Stage } = {},
  ): Promise<Result<Certified>> {
    return this.#inTurn(() => this.#renew(wish, options))
  }

  async #renew(
    wish: DeviceWish,
    options: { readonly supersede?: boolean; readonly crlDays?: number; readonly stage?: Stage },
  ): Promise<Result<Certified>> {
    const plan = this.planDevice(wish)
    if (!plan.ok) return plan
    const { identity, name } = plan.value
    if (!this.ofName(name).some(record => record.identity === identity && record.state === 'issued')) {
      return fail(problem('provision/unknown-certificate', `${name} has no certificate that is in use`))
    }
    const { supersede = false, crlDays, stage } = options
    const issued = await this.#issue(plan.value, { renew: true, supersede, stage })
    if (issued.ok && supersede) await publishCrl(this.#ca, crlDays ?? defaultCrlDays)
    return issued
  }

  /**
   * Revokes (RFC 5280 §5.3.1), with `keyCompromise` every certificate that has one of the keys, and writes the CRL. Returns what was
   * not revoked before. Enrolment tokens of a device that has nothing else in force are withdrawn.
   * @example await authority.revoke(authority.ofName('pump-12'), 'keyCompromise')
   */
  revoke(
    records: readonly LedgerRecord[],
    reason: CrlReason,
    crlDays: number = defaultCrlDays,
  ): Promise<readonly LedgerRecord[]> {
    return this.#inTurn(async () => {
      const { revoked } = revokeCertificates(this.#ca.ledger, records, reason)
      // also where nothing is new: an earlier run may have been killed before its list was out
      await publishCrl(this.#ca, crlDays)
      return revoked
    })
  }

  /**
   * Writes the CRL of every issuing CA from the ledger, whole, with a number above every one before (RFC 5280 §5.2.3). `days`: until when
   * the next one must be there, default 30. `written` is undefined where another process wrote a later one meanwhile.
   */
  writeCrl(days: number = defaultCrlDays): Promise<readonly PublishedCrl[]> {
    return this.#inTurn(() => publishCrl(this.#ca, days))
  }

  /** Every record of the ledger, oldest first. */
  list(): readonly LedgerRecord[] {
    return this.#ca.ledger.all()
  }

  /** The records of a name, oldest first. */
  ofName(name: string): readonly LedgerRecord[] {
    return this.#ca.ledger.ofName(name)
  }

  /** What happened to a certificate, in order. */
  history(record: LedgerRecord): readonly LedgerEvent[] {
    return this.#ca.ledger.history(record)
  }

  /** Closes the ledger. */
  close(): void {
    this.#ca.ledger.close()
  }

  /** One after the other. The ledger is one connection: a list is published within a transaction of it. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    return this.#turns.take('ledger', act)
  }

  async #issue(
    plan: LeafPlan,
    options: { readonly renew: boolean; readonly supersede: boolean; readonly stage: Stage | undefined },
  ): Promise<Result<Certified>> {
    const { renew, supersede, stage = async () => noFiles } = options
    const random = this.#random === undefined ? {} : { random: this.#random }
    const issued = await issueThroughLedger(this.#ca, plan, { renew, supersede, stage, ...random })
    if (!issued.ok) return issued
    const { signed: certificate, superseded } = issued.value
    return ok({ certificate, chainPem: certificate.pem + this.#ca.issuingPem, superseded })
  }
}
