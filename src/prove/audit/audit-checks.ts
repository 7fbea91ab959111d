/** The checks of `portcullis audit`: stable codes, how bad each is, and what it must be given. One table; docs/audit.md shows it. */

/** Worst first. */
export const auditLevels = ['critical', 'high', 'medium', 'low'] as const
export type AuditLevel = (typeof auditLevels)[number]

/** What an audit may be given: an authority with its ledger, a policy set, decision logs, sessions of a running broker. */
export const auditSources = ['ca', 'policies', 'log', 'sessions'] as const
export type AuditSource = (typeof auditSources)[number]

export interface AuditCheck {
  readonly level: AuditLevel
  /** Without one of these it cannot be made. */
  readonly needs: readonly AuditSource[]
  /** One of these is needed; without the others it is made in part. */
  readonly from?: readonly AuditSource[]
  /** What is wrong where it finds something. */
  readonly meaning: string
}

/** Worst first: the order of everything that is told. */
export const auditCodes = [
  'weak-ca',
  'ca-ended',
  'crl-over',
  'crl-behind',
  'revoked-connected',
  'unknown-certificate',
  'weak-key',
  'ca-ending',
  'outlives-ca',
  'ended-in-use',
  'shared-key',
  'several-addresses',
  'certificate-ending',
  'crl-aging',
  'ca-missing',
  'shared-name',
  'address-flapping',
  'policy-refuses',
  'no-rights',
  'many-refusals',
  'nobody-refused',
  'many-tokens',
  'unusual-key',
  'never-seen',
  'stuck-reservation',
  'unused-grant',
  'expired-tokens',
] as const
export type AuditCode = (typeof auditCodes)[number]

const seen: readonly AuditSource[] = ['log', 'sessions']

export const auditChecks: Readonly<Record<AuditCode, AuditCheck>> = {
  'weak-ca': {
    level: 'critical',
    needs: ['ca'],
    meaning:
      'A CA has an RSA key below 2048 bits, a key of a kind or curve that no gate takes, or a signature below SHA-256.',
  },
  'ca-ended': { level: 'critical', needs: ['ca'], meaning: 'A CA has ended: nothing below it is accepted.' },
  'crl-over': {
    level: 'critical',
    needs: ['ca'],
    meaning: 'The CRL of an issuing CA is missing, cannot be used, or is past its nextUpdate.',
  },
  'crl-behind': {
    level: 'critical',
    needs: ['ca'],
    meaning: 'Certificates are revoked or superseded in the ledger, and not on the CRL.',
  },
  'revoked-connected': {
    level: 'critical',
    needs: ['ca'],
    from: seen,
    meaning: 'A revoked or superseded certificate is connected, or acted later than a minute after it was revoked.',
  },
  'unknown-certificate': {
    level: 'critical',
    needs: ['ca'],
    from: seen,
    meaning: 'A certificate of this authority was let in, and its ledger does not know it.',
  },
  'weak-key': {
    level: 'high',
    needs: ['ca'],
    meaning: 'A certificate in force has a weak key or signature, as for `weak-ca`, or cannot be read.',
  },
  'ca-ending': { level: 'high', needs: ['ca'], meaning: 'A CA ends within `--within`.' },
  'outlives-ca': { level: 'high', needs: ['ca'], meaning: 'Certificates in force end later than a CA above them.' },
  'ended-in-use': {
    level: 'high',
    needs: ['ca'],
    from: seen,
    meaning: 'A certificate is connected after its end, or acted later than a minute after it.',
  },
  'shared-key': { level: 'high', needs: ['ca'], meaning: 'Two devices have certificates in force with one key.' },
  'several-addresses': {
    level: 'high',
    needs: [],
    from: seen,
    meaning: 'One certificate was connected from two addresses for longer than five seconds at a time.',
  },
  'certificate-ending': {
    level: 'medium',
    needs: ['ca'],
    meaning: 'A certificate ends within `--within`, and no later one of the same identity is in force.',
  },
  'crl-aging': {
    level: 'medium',
    needs: ['ca'],
    meaning: 'A CRL is past half its time: whatever renews it did not run.',
  },
  'ca-missing': {
    level: 'medium',
    needs: ['ca'],
    meaning: 'Certificates are in force that an issuing CA signed which the folder does not have.',
  },
  'shared-name': {
    level: 'medium',
    needs: ['ca'],
    meaning: 'One identity has had two keys in force for more than 14 days.',
  },
  'address-flapping': {
    level: 'medium',
    needs: ['log'],
    meaning: 'One certificate came back five times to an address that it had left less than ten minutes before.',
  },
  'policy-refuses': {
    level: 'medium',
    needs: ['ca', 'policies'],
    meaning: 'A certificate in force would be refused under the policy.',
  },
  'no-rights': {
    level: 'medium',
    needs: ['ca', 'policies'],
    meaning: 'A certificate in force may log in, and no rule lets it do anything.',
  },
  'many-refusals': {
    level: 'medium',
    needs: ['log'],
    meaning: 'One identity was refused 100 times or more; the ten that were refused most.',
  },
  'nobody-refused': {
    level: 'medium',
    needs: ['log'],
    meaning: 'From one address, 20 connections or more were refused before anybody was known; the ten with most.',
  },
  'many-tokens': { level: 'medium', needs: ['ca'], meaning: 'More than 100 enrolment tokens can be spent.' },
  'unusual-key': {
    level: 'low',
    needs: ['ca'],
    meaning: 'A strong key that is neither P-256, P-384 nor RSA: not everything that devices talk to can verify it.',
  },
  'never-seen': {
    level: 'low',
    needs: ['ca', 'log'],
    meaning: 'A device certificate was issued a week ago or more, while the log was kept, and never used.',
  },
  'stuck-reservation': {
    level: 'low',
    needs: ['ca'],
    meaning: 'A serial was reserved more than an hour ago, and no certificate came of it.',
  },
  'unused-grant': {
    level: 'low',
    needs: ['policies', 'log'],
    meaning: 'Nothing that the log permitted is allowed by this rule.',
  },
  'expired-tokens': { level: 'low', needs: ['ca'], meaning: 'Enrolment tokens expired without being spent.' },
}
