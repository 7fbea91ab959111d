import type { AlternativeNames, SubjectAttribute } from './names.ts'

/** One certificate of `certs-dev/` that somebody can be: `try --as NAME`. */
export interface DevName {
  readonly name: string
  readonly kind: 'device' | 'staff'
  /** Site of a device, its OU. */
  readonly site?: string
  /** Issued by a CA that nobody configured. */
  readonly foreign?: true
  /** On the CRL. */
  readonly revoked?: true
  readonly subject: readonly SubjectAttribute[]
  readonly sans: AlternativeNames
}

/** The people and machines of the sample plant, named as `portcullis device issue` names them by its policy; `intruder` claims to be pump-7, by a CA of its own. */
export const devNames: readonly DevName[] = [
  device('pump-7', 's1'),
  device('pump-8', 's1'),
  device('line-1', 's1'),
  device('pump-9', 's2'),
  { ...device('pump-5', 's1'), revoked: true },
  staff('ops-1'),
  staff('audit-1'),
  { ...device('pump-7', 's1'), name: 'intruder', foreign: true },
]

function device(name: string, site: string): DevName {
  return {
    name,
    kind: 'device',
    site,
    subject: [
      ['OU', site],
      ['CN', name],
    ],
    sans: {},
  }
}

function staff(name: string): DevName {
  return {
    name,
    kind: 'staff',
    subject: [['OU', 'staff']],
    sans: { uri: [`urn:acme:staff:${name}`] },
  }
}
