/** `identities:` of a policy set: which certificates are which kind of client. Pure. */
import type { Where } from '../problem.ts'
import { type FieldCondition, type FieldConditions, type FieldName, fieldNames, type IdentityRule } from './model.ts'
import { Names } from './names.ts'
import type { Node, Text } from './node.ts'
import {
  literalPattern,
  type Pattern,
  parseClientIdTemplate,
  parsePattern,
  patternCaptures,
  templateHasFree,
  templateVariables,
} from './pattern.ts'
import { acceptShape, readAccept } from './read-accept.ts'
import { readSet } from './read-set.ts'
import type { Report } from './report.ts'
import type { SafeAlphabet } from './safe-value.ts'
import {
  choice,
  type Field,
  type JsonSchema,
  list,
  name,
  object,
  oneOrList,
  optional,
  type ReadMap,
  record,
  required,
  type Shape,
  text,
  textOrTexts,
  variableName,
  wholeNumber,
  yesOrNo,
} from './shape.ts'

/** An identity as far as it could be read, with the places that the rule itself does not keep. */
export interface IdentityDraft {
  readonly rule: IdentityRule
  readonly issuer: Text | undefined
  readonly unique: readonly Text[]
  readonly roles: readonly Text[]
  readonly mayAlsoHave: readonly Text[]
  readonly neverTogether: readonly (readonly Text[])[]
  /** False where `from:` or `set:` is broken: then what it gives is unknown. */
  readonly variablesKnown: boolean
}

type GivenIdentity = NonNullable<ReturnType<typeof identity.read>>
type GivenConditions = ReadMap<Record<FieldName, Field<Text | readonly Text[]>>>

const conditions: Shape<GivenConditions> = object(
  'a map of certificate fields',
  Object.fromEntries(
    fieldNames.map(field => [field, optional(textOrTexts('a text'), `what ${field} of the certificate must be`)]),
  ) as Record<FieldName, Field<Text | readonly Text[]>>,
)

const identity = object('an identity', {
  issuer: optional(name('a name of an issuer'), 'the issuer, by its name in portcullis.config.yaml'),
  from: required(
    oneOrList(conditions, 'a map of certificate fields, or a list of them'),
    'what the certificate must say; all fields must match, `${name}` captures one value',
  ),
  except: optional(
    oneOrList(conditions, 'a map of certificate fields, or a list of them'),
    'certificates that are not this identity',
  ),
  set: optional(
    record(variableName, text('a value'), 'a map of values'),
    'constants of this identity, usable as ${name}',
  ),
  unique: optional(list(variableName, 'a list of captures', 1), 'captures that alone tell two devices apart'),
  clientId: required(
    oneOrList(text('a template of client ids'), 'a template or a list of templates'),
    'the client ids that it may use',
  ),
  clientIdUnique: optional(
    choice(new Map([['vouched', 'vouched']] as const)),
    "`vouched`: the operator's word replaces the proof that no other identity can claim the client id",
  ),
  roles: optional(list(name('a name of a role'), 'a list of roles'), 'roles that every such client has'),
  mayAlsoHave: optional(list(name('a name of a role'), 'a list of roles'), 'roles that a row of members may add'),
  neverTogether: optional(
    list(list(name('a name of a role'), 'a list of roles', 2), 'a list of lists of roles'),
    'lists of roles of which one client has at most one',
  ),
  membersOnly: optional(yesOrNo, 'true: without a row in members it is refused'),
  maxSessions: optional(wholeNumber(1, 1000), 'sessions of one client at a time'),
  accept: optional(acceptShape, 'warnings that are meant, each with a reason'),
})

const identities = record(name('a name of an identity'), identity, 'a map of identities')

export const identitiesSchema: JsonSchema = identities.schema

/** The identities of all files; broken ones keep their name. */
export function readIdentities(
  sections: readonly Node[],
  alphabet: SafeAlphabet,
  report: Report,
): Names<IdentityDraft> {
  const names = new Names<IdentityDraft>('identity', report)
  for (const section of sections) {
    const entries = identities.read(section, report)
    if (entries === undefined) report.unread('identities')
    for (const { key, value } of entries ?? []) {
      names.define(key, value === undefined ? undefined : draft(key, value, alphabet, report))
    }
  }
  return names
}

function draft(key: Text, given: GivenIdentity, alphabet: SafeAlphabet, report: Report): IdentityDraft {
  const { value, at } = given
  const before = report.size
  const from = (value.from ?? []).map(given => matches(given, alphabet, report))
  const captures = agreedCaptures(from, at('from'), report)
  const set = readSet(value.set ?? [], alphabet, report)
  const variablesKnown = report.size === before && isWhole(given)
  const clientIds = (value.clientId ?? []).flatMap(given => {
    const template = parseClientIdTemplate(given.text, given.where, alphabet)
    if (!template.ok) report.take(template.problem, given.where)
    return template.ok ? [{ template: template.value, where: given.where }] : []
  })
  for (const { template, where } of variablesKnown ? clientIds : []) {
    for (const variable of templateVariables(template)) {
      if (captures.includes(variable) || set.has(variable)) continue
      report.add(
        'policy/unknown-variable',
        `\`\${${variable}}\` in the client id is neither captured nor in \`set:\` of \`${key.text}\``,
        where,
        captures.length === 0 ? 'capture it in `from:`' : `captures: ${captures.join(', ')}`,
      )
    }
  }
  return {
    rule: {
      name: key.text,
      where: key.where,
      issuer: value.issuer?.text,
      from,
      except: (value.except ?? []).map(given => literals(given, report)),
      set,
      unique: (value.unique ?? []).map(one => one.text),
      clientIds: clientIds.map(one => one.template),
      clientIdUnique: value.clientIdUnique ?? 'proved',
      roles: (value.roles ?? []).map(one => one.text),
      mayAlsoHave: (value.mayAlsoHave ?? []).map(one => one.text),
      neverTogether: (value.neverTogether ?? []).map(group => group.map(one => one.text)),
      membersOnly: value.membersOnly ?? false,
      maxSessions: value.maxSessions ?? (clientIds.some(one => templateHasFree(one.template)) ? 8 : 1),
      ...(value.accept === undefined ? {} : { accept: readAccept(value.accept, report) }),
      captures,
    },
    issuer: value.issuer,
    unique: value.unique ?? [],
    roles: value.roles ?? [],
    mayAlsoHave: value.mayAlsoHave ?? [],
    neverTogether: value.neverTogether ?? [],
    variablesKnown,
  }
}

/** Whether nothing of what gives variables was lost to a mistake in its shape. */
function isWhole({ value, has, slips }: GivenIdentity): boolean {
  const isRead = (conditions: GivenConditions) =>
    !conditions.misspelt && conditions.keys.every(field => conditions.value[field] !== undefined)
  if (value.from?.every(isRead) !== true || slips.has('set')) return false
  return !has('set') || value.set?.every(entry => entry.value !== undefined) === true
}

function matches(given: GivenConditions, alphabet: SafeAlphabet, report: Report): FieldConditions {
  return eachField(given, report, (value, field) => {
    if (!('where' in value)) return value.flatMap(one => literal(one, field, 'a list of literals', report))
    if (!value.text.includes('${')) return literal(value, field, 'a literal', report)
    const pattern = parsePattern(value.text, value.where, alphabet)
    if (pattern.ok) return [pattern.value]
    report.take(pattern.problem, value.where)
    return []
  })
}

function literals(given: GivenConditions, report: Report): FieldConditions {
  return eachField(given, report, (value, field) =>
    ('where' in value ? [value] : value).flatMap(one => literal(one, field, '`except:`', report)),
  )
}

function eachField(
  given: GivenConditions,
  report: Report,
  read: (value: Text | readonly Text[], field: FieldName) => readonly Pattern[],
): FieldConditions {
  const found: FieldCondition[] = []
  for (const field of given.keys) {
    const value = given.value[field]
    if (value === undefined) continue
    const anyOf = read(value, field)
    if (anyOf.length > 0) found.push({ field, anyOf, where: given.at(field) })
  }
  if (given.keys.length === 0 && !given.misspelt)
    report.add(
      'policy/empty-value',
      'a map of certificate fields without a field',
      given.where,
      'name at least one field, for example subject.cn',
    )
  return found
}

/** Fields whose value has one spelling only: anything else would never match. */
const spellings: ReadonlyMap<FieldName, { readonly pattern: RegExp; readonly help: string }> = new Map([
  ['serial', { pattern: /^[1-9a-f][0-9a-f]*$/, help: 'write lower-case hex without separators and leading zeros' }],
  ['fingerprint.sha256', { pattern: /^[0-9a-f]{64}$/, help: 'write 64 lower-case hex digits without separators' }],
  [
    'san.ip',
    { pattern: /^[0-9a-f.:]+$/, help: 'write the address as RFC 5952 does: lower case, for example 2001:db8::1' },
  ],
])

function literal(given: Text, field: FieldName, place: string, report: Report): readonly Pattern[] {
  if (given.text.includes('${')) {
    report.add(
      'policy/capture-not-here',
      `\`${given.text}\` captures, which ${place} cannot`,
      given.where,
      'write the value out',
    )
    return []
  }
  const spelling = spellings.get(field)
  if (spelling !== undefined && !spelling.pattern.test(given.text)) {
    report.add('policy/bad-value', `\`${given.text}\` is not how ${field} is written`, given.where, spelling.help)
    return []
  }
  return [literalPattern(given.text, given.where)]
}

const reserved: ReadonlySet<string> = new Set(['identity', 'issuer', 'roles', 'refused'])

/** What `from:` captures; its alternatives must agree. */
function agreedCaptures(from: readonly FieldConditions[], where: Where, report: Report): readonly string[] {
  const each = from.map(alternative => [
    ...new Set(alternative.flatMap(condition => condition.anyOf.flatMap(pattern => patternCaptures(pattern)))),
  ])
  const first = each[0] ?? []
  each.slice(1).forEach((captures, index) => {
    if ([...captures].sort().join() === [...first].sort().join()) return
    const place = from[index + 1]?.[0]?.where ?? where
    report.add(
      'policy/captures-differ',
      `this alternative captures ${told(captures)}, the first one ${told(first)}`,
      place,
      'all alternatives of `from:` capture the same names',
    )
  })
  for (const capture of first) {
    if (reserved.has(capture))
      report.add(
        'policy/reserved-name',
        `\`${capture}\` cannot be the name of a capture`,
        where,
        'choose another name: tests and tables use this one',
      )
  }
  return first
}

function told(captures: readonly string[]): string {
  return captures.length === 0
    ? 'nothing'
    : [...captures]
        .sort()
        .map(capture => `\`${capture}\``)
        .join(', ')
}
