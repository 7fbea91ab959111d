/**
 * Which names a certificate gets: those that `from:` of its identity says, with its captures filled in. Nothing else of
 * what a person or a request says reaches a certificate.
 */
import type { FieldCondition, FieldName, IdentityRule, MappedIdentity, PolicySet } from '../policy/model.ts'
import { didYouMean } from '../policy/nearest-name.ts'
import type { Pattern } from '../policy/pattern.ts'
import { unsafeReason } from '../policy/safe-value.ts'
import { fail, ok, type Problem, problem, type Result } from '../problem.ts'
import type { AlternativeNames, AttributeType, SubjectAttribute } from './names.ts'

export interface CertificateNames {
  readonly subject: readonly SubjectAttribute[]
  readonly sans: AlternativeNames
}

/** Who a certificate is wanted for: `pump-7`, with `site=s1`. */
export interface WantedDevice {
  readonly name: string
  /** Name of the identity in the policy set; undefined: the only one, or `device`. */
  readonly kind?: string | undefined
  readonly given: ReadonlyMap<string, string>
}

/** The identity that is wanted: `name` is the value of the one capture that is not given. */
export function wantedIdentity(set: PolicySet, wanted: WantedDevice): Result<MappedIdentity> {
  const kinds = [...set.identities.keys()]
  const kind = wanted.kind ?? (kinds.length === 1 ? kinds[0] : 'device') ?? 'device'
  const rule = set.identities.get(kind)
  if (rule === undefined) {
    const help = didYouMean(kind, kinds, 'identities') ?? `the policy has ${kinds.join(', ') || 'none'}`
    return fail(problem('provision/unknown-identity', `the policy has no identity \`${kind}\``, { help }))
  }
  const unknown = [...wanted.given.keys()].find(capture => !rule.captures.includes(capture))
  const open = rule.captures.filter(capture => !wanted.given.has(capture))
  const [own] = open
  if (unknown !== undefined || own === undefined || open.length > 1) return fail(badCaptures(rule, unknown, open))
  const captures = new Map(rule.captures.map(one => [one, wanted.given.get(one) ?? wanted.name]))
  for (const [capture, value] of captures) {
    const reason = unsafeReason(value, set.settings.alphabet)
    if (reason !== undefined)
      return fail(
        problem('provision/bad-name', `${capture} ${JSON.stringify(value)} ${reason}`, {
          help: 'names are 1 to 64 letters, digits, dots, hyphens and underscores, and begin with a letter or digit',
        }),
      )
  }
  return ok({ kind, captures })
}

function badCaptures({ name, captures }: IdentityRule, unknown: string | undefined, open: readonly string[]): Problem {
  const help = `${name} is named by ${captures.join(', ')}: NAME is one of them, give the others with --set CAPTURE=VALUE`
  const sentence =
    unknown !== undefined
      ? `the identity ${name} has no capture \`${unknown}\``
      : open.length > 1
        ? `NAME cannot be ${open.join(' and ')} at once`
        : 'every capture is given with --set, so that NAME names nothing'
  return problem('provision/bad-captures', sentence, { help })
}

const attributeTypes: Readonly<Partial<Record<FieldName, AttributeType>>> = {
  'subject.c': 'C',
  'subject.st': 'ST',
  'subject.l': 'L',
  'subject.o': 'O',
  'subject.ou': 'OU',
  'subject.title': 'title',
  'subject.uid': 'UID',
  'subject.serialNumber': 'serialNumber',
  'subject.cn': 'CN',
}
const subjectOrder = Object.values(attributeTypes)
const sanKinds: Readonly<Partial<Record<FieldName, keyof AlternativeNames>>> = {
  'san.dns': 'dns',
  'san.ip': 'ip',
  'san.uri': 'uri',
  'san.email': 'email',
}

/** The names for these captures, by the first alternative of `from:` that can be written into a certificate. */
export function namesFor(rule: IdentityRule, identity: MappedIdentity, name: string): Result<CertificateNames> {
  const usable = rule.from.find(conditions => conditions.every(({ field }) => isWritable(field)))
  if (usable === undefined) {
    const sentence = `the identity ${rule.name} is named by a field that cannot be chosen, such as a serial number`
    return fail(problem('provision/not-from-template', sentence, { where: rule.where }))
  }
  const subject: SubjectAttribute[] = []
  const sans = new Map<keyof AlternativeNames, string[]>()
  for (const condition of usable) {
    const text = textOf(condition, identity)
    const [type, kind] = [attributeTypes[condition.field], sanKinds[condition.field]]
    if (type !== undefined) subject.push([type, text])
    else if (kind !== undefined) sans.set(kind, [...(sans.get(kind) ?? []), text])
  }
  // an empty subject is legal, and refused by many: the name is one of the captures already
  if (subject.length === 0) subject.push(['CN', name])
  subject.sort(([a], [b]) => subjectOrder.indexOf(a) - subjectOrder.indexOf(b))
  return ok({ subject, sans: Object.fromEntries(sans) })
}

/** Issuer fields are what the authority is called: the mapping afterwards tells whether they fit. */
function isWritable(field: FieldName): boolean {
  return attributeTypes[field] !== undefined || sanKinds[field] !== undefined || field.startsWith('issuer.')
}

function textOf({ anyOf: [pattern] }: FieldCondition, { captures }: MappedIdentity): string {
  return (pattern as Pattern).parts
    .map(part =>
      part.type === 'literal' ? part.text : part.type === 'variable' ? (captures.get(part.name) ?? '') : '',
    )
    .join('')
}
