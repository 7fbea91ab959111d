/** What an audit looks at, as plain facts; whoever has a file system gathers them. Times are milliseconds since 1970. */
import type { Grant } from '../../decide/grant.ts'
import type { LogFacts } from './log-facts.ts'

/** Of a key and of the signature over it, as `authenticate/algorithms.ts` reads them. */
export interface KeyFacts {
  readonly algorithm: 'ec' | 'rsa' | 'ed25519' | 'other'
  readonly curve: string | undefined
  readonly bits: number | undefined
  readonly signatureHash: string | undefined
}

/** One certificate of the ledger. */
export interface AuditedCertificate {
  /** SHA-256 of the public key of its CA, hex. */
  readonly issuerKeyId: string
  /** Hex, as the ledger has it. */
  readonly serial: string
  readonly state: 'reserved' | 'issued' | 'superseded' | 'revoked'
  readonly profile: 'device' | 'server'
  readonly name: string
  /** `device:site=s1,device=pump-7`; undefined for a server. */
  readonly identity: string | undefined
  /** SHA-256 of its public key, hex. */
  readonly keyHash: string
  /** When it came into its state. */
  readonly since: number
  readonly reason: string | undefined
  readonly notAfter: number
  /** SHA-256, hex; undefined where it was never signed. */
  readonly fingerprint: string | undefined
  /** Undefined where there is no certificate, or none that can be read. */
  readonly key: KeyFacts | undefined
  /** Why the policy would refuse it; undefined where it would not, or was not asked. */
  readonly refusal: { readonly code: string; readonly sentence: string } | undefined
}

export interface AuditedCrl {
  readonly thisUpdate: number
  readonly nextUpdate: number
  /** Serials, as the ledger writes them. */
  readonly serials: ReadonlySet<string>
}

export interface AuditedCa {
  readonly role: 'root' | 'issuing'
  /** For people only, escaped. */
  readonly subject: string
  readonly keyId: string
  /** Whether it is the issuing CA that new certificates come from. */
  readonly signs: boolean
  readonly notAfter: number
  readonly key: KeyFacts
  /** Of an issuing CA: its CRL, or why there is none that can be used. */
  readonly crl: AuditedCrl | { readonly unusable: string } | undefined
  /** Name of the file of its CRL. */
  readonly crlFile: string
}

export interface AuditedToken {
  readonly state: 'outstanding' | 'spent' | 'withdrawn'
  readonly expires: number
}

export interface AuditedAuthority {
  /** The root first. */
  readonly cas: readonly AuditedCa[]
  readonly certificates: readonly AuditedCertificate[]
  readonly tokens: readonly AuditedToken[]
  /** Whether the configuration has no other issuer; undefined where there is no configuration. */
  readonly isOnlyIssuer: boolean | undefined
}

/** One session of a running broker, as `portcullis session list --json` says. */
export interface AuditedSession {
  readonly clientId: string
  readonly identity: string
  /** `kept`: its device is away. */
  readonly state: 'live' | 'kept'
  readonly address?: string
  /** SHA-256 of the certificate, hex. */
  readonly fingerprint?: string
  readonly serial?: string
  readonly issuerKeyId?: string
  readonly since?: number
  readonly notAfter?: number
}

export interface Evidence {
  readonly now: number
  /** Milliseconds: what ends within them is told. */
  readonly within: number
  readonly authority?: AuditedAuthority
  /** Rules that nothing of the log used; undefined where there is no policy set. */
  readonly unusedGrants?: readonly Grant[]
  readonly log?: LogFacts
  readonly sessions?: readonly AuditedSession[]
  /** Ends of the commands that findings tell: ` --ca DIR` where it is not the default one. */
  readonly options: { readonly ca: string; readonly policies: string }
}

/** `2026-11-28T10:00:00Z`; a time that no calendar has is told as such. */
export function timeText(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z') : 'no time that exists'
}

/** In force: somebody may log in with it. */
export function isInForce({ state, notAfter }: AuditedCertificate, now: number): boolean {
  return state === 'issued' && notAfter >= now
}

/** How a certificate is named: by who it makes its holder, or as a server. */
export function subjectOf({ identity, name }: AuditedCertificate): string {
  return identity ?? `server ${name}`
}
