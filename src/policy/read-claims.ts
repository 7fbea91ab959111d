/** `claims:` of a test file: promises for every identity that there can be (docs/semantics.md 6). `prove/` decides them. Pure. */
import { type FilterTemplate, parseFilterTemplate, variablesOf } from './filter-template.ts'
import type { Claim, ClaimedAction, PeopleClass } from './model.ts'
import type { Text } from './node.ts'
import type { Report } from './report.ts'
import {
  choice,
  list,
  name,
  object,
  oneOrList,
  optional,
  type ReadMap,
  required,
  type Shape,
  text,
  variableName,
  wholeNumber,
  yesOrNo,
} from './shape.ts'
import type { TopicFilter } from './topic.ts'

/** A claim as read; what it names keeps its place for the cross checks. */
export interface ClaimDraft {
  readonly claim: Claim
  readonly identities: readonly Text[]
  readonly roles: readonly Text[]
  readonly captures: readonly Text[]
}

const identity = name('the name of an identity')
const roleNames = oneOrList(name('the name of a role'), 'the name of a role, or a list of them')
const classFields = {
  identity: optional(identity, 'of this identity'),
  role: optional(name('the name of a role'), 'who has this role'),
  roles: optional(roleNames, 'who has one of these roles'),
  exactly: optional(yesOrNo, 'who has these roles and no others'),
}
const people = object('a class of people', classFields)
const filters = oneOrList(text('a topic filter'), 'a topic filter, or a list of them')
const plainCan = { publish: optional(filters, 'to publish there'), receive: optional(filters, 'to be sent it') }
const can = object('what is claimed', { ...plainCan, subscribe: optional(filters, 'to be sent it') })
const everyCan = object('what is claimed', {
  ...plainCan,
  subscribe: optional(filters, 'to be sent it'),
  qos: optional(
    choice(
      new Map([
        ['0', 0],
        ['1', 1],
        ['2', 2],
      ] as const),
    ),
    'at this QoS; 0 if absent',
  ),
  retain: optional(yesOrNo, 'retained or not; not if absent'),
  payloadBytes: optional(wholeNumber(0, 268_435_455), 'with so many bytes; 0 if absent'),
})
const isolated = object('what is isolated', {
  identity: required(identity, 'the identity whose people are kept apart'),
  by: required(oneOrList(variableName, 'a capture, or a list of them'), 'the captures that tell groups apart'),
  except: optional(filters, 'topics that may be shared'),
})
const noFlow = object('a flow', {
  from: required(people, 'where it would begin'),
  to: required(people, 'where it would end'),
  relays: optional(oneOrList(people, 'a class of people, or a list of them'), 'who may pass it on'),
})
const withCan = <C>(what: Shape<C>) =>
  object('a claim', { ...classFields, can: required(what, 'publish, receive or subscribe, and where') })
const claimed = withCan(can)
const claimedEvery = withCan(everyCan)

const kinds = {
  isolated: optional(isolated, 'people of different groups share no topic'),
  noFlow: optional(noFlow, 'nothing gets from the ones to the others'),
  only: optional(claimed, 'nobody else can'),
  never: optional(claimed, 'none of them can'),
  every: optional(claimedEvery, 'all of them can'),
  assume: optional(text('a reason'), 'why the set is loaded if the proof is given up as too long'),
}
const claim = object('a claim', kinds)

const claims = list(claim, 'a list of claims', 1)

/** The claims of a test file; those that cannot be used are left out, and told. */
export const claimsShape: Shape<readonly ClaimDraft[]> = {
  schema: claims.schema,
  read: (node, report) => claims.read(node, report)?.flatMap(given => readClaim(given, report) ?? []),
}

const kindNames = ['isolated', 'noFlow', 'only', 'never', 'every'] as const

type ReadClass = Pick<ReadMap<typeof classFields>, 'value' | 'where' | 'misspelt'>

function readClaim(given: ReadMap<typeof kinds>, report: Report): ClaimDraft | undefined {
  const named = kindNames.filter(kind => given.has(kind))
  const [kind] = named
  if (kind === undefined || named.length > 1) {
    if (!given.misspelt)
      report.add(
        'policy/bad-claim',
        `a claim is one of ${kindNames.join(', ')}`,
        given.where,
        'write one for each entry',
      )
    return undefined
  }
  const names = new Named()
  const where = given.at(kind)
  const common = { where, assume: given.value.assume?.text }
  const body = readBody(kind, given, names, report)
  if (body === undefined) return undefined
  return { claim: { ...common, ...body, text: tell(body) }, ...names }
}

/** What a claim names, with places. */
class Named {
  readonly identities: Text[] = []
  readonly roles: Text[] = []
  readonly captures: Text[] = []
}

type Body = Claim extends infer C ? (C extends unknown ? Omit<C, 'where' | 'text' | 'assume'> : never) : never

function readBody(
  kind: (typeof kindNames)[number],
  { value }: ReadMap<typeof kinds>,
  names: Named,
  report: Report,
): Body | undefined {
  if (kind === 'isolated') return readIsolated(value.isolated, names, report)
  if (kind === 'noFlow') return readNoFlow(value.noFlow, names, report)
  const given = value[kind]
  const action =
    kind === 'every' ? readAction(value.every?.value.can, report) : readAction(value[kind]?.value.can, report)
  if (given === undefined || action === undefined) return undefined
  for (const template of action.filters)
    for (const variable of variablesOf(template)) names.captures.push({ text: variable, where: template.where })
  if (kind === 'only' && names.captures.length > 0) {
    const [{ where }] = names.captures as [Text]
    report.add('policy/bad-claim', '`only` is about everybody, so that its filter has no variables', where, 'write `+`')
    return undefined
  }
  return { kind, people: readClass(given, names, report), can: action }
}

function readIsolated(
  given: ReadMap<typeof isolated extends Shape<ReadMap<infer F>> ? F : never> | undefined,
  names: Named,
  report: Report,
): Body | undefined {
  const { identity: who, by = [], except = [] } = given?.value ?? {}
  if (who === undefined || by.length === 0) return undefined
  names.identities.push(who)
  names.captures.push(...by)
  const filters = except.flatMap(one => readFilter(one, report) ?? [])
  const open = filters.find(one => variablesOf(one).length > 0)
  if (open !== undefined)
    report.add(
      'policy/bad-claim',
      '`except` of `isolated` names topics for all, without variables',
      open.where,
      'write `+`',
    )
  return {
    kind: 'isolated',
    people: { identity: who.text, roles: undefined, exactly: false },
    by: by.map(one => one.text),
    except: filters.map(one => one.text as TopicFilter),
  }
}

function readNoFlow(
  given: ReadMap<typeof noFlow extends Shape<ReadMap<infer F>> ? F : never> | undefined,
  names: Named,
  report: Report,
): Body | undefined {
  const { from, to, relays = [] } = given?.value ?? {}
  if (from === undefined || to === undefined) return undefined
  return {
    kind: 'noFlow',
    from: readClass(from, names, report),
    to: readClass(to, names, report),
    relays: relays.map(one => readClass(one, names, report)),
  }
}

function readClass({ value, where, misspelt }: ReadClass, names: Named, report: Report): PeopleClass {
  const roles = [...(value.role === undefined ? [] : [value.role]), ...(value.roles ?? [])]
  if (value.identity !== undefined) names.identities.push(value.identity)
  names.roles.push(...roles)
  if (value.identity === undefined && roles.length === 0 && !misspelt)
    report.add('policy/bad-claim', 'a claim names whom it is about', where, 'write `identity:`, `role:` or `roles:`')
  if (value.exactly === true && roles.length === 0)
    report.add('policy/bad-claim', '`exactly` is said of roles', where, 'write `roles:` beside it')
  return {
    identity: value.identity?.text,
    roles: roles.length === 0 ? undefined : roles.map(role => role.text),
    exactly: value.exactly ?? false,
  }
}

type ReadCan = ReadMap<typeof can extends Shape<ReadMap<infer F>> ? F : never>
type ReadEvery = ReadMap<typeof everyCan extends Shape<ReadMap<infer F>> ? F : never>

function readAction(given: ReadCan | ReadEvery | undefined, report: Report): ClaimedAction | undefined {
  if (given === undefined) return undefined
  const { value, where, misspelt } = given
  const named = (['publish', 'receive', 'subscribe'] as const).filter(verb => given.has(verb))
  const [verb] = named
  if (verb === undefined || named.length > 1) {
    if (!misspelt)
      report.add('policy/bad-claim', 'a claim is about one of publish, receive, subscribe', where, 'write one of them')
    return undefined
  }
  const filters = (value[verb] ?? []).flatMap(one => readFilter(one, report) ?? [])
  const facts = value as ReadEvery['value']
  return {
    action: verb === 'publish' ? 'publish' : 'receive',
    filters,
    qos: facts.qos ?? 0,
    retain: facts.retain ?? false,
    payloadBytes: facts.payloadBytes ?? 0,
  }
}

function readFilter(given: Text, report: Report): FilterTemplate | undefined {
  const parsed = parseFilterTemplate(given.text, given.where)
  if (parsed.ok) return parsed.value
  report.take(parsed.problem, given.where)
  return undefined
}

/** The claim in one line, as messages name it. */
function tell(body: Body): string {
  if (body.kind === 'isolated') return `isolated: ${body.people.identity} by ${body.by.join(', ')}`
  if (body.kind === 'noFlow') return `noFlow: ${tellClass(body.from)} to ${tellClass(body.to)}`
  const { action, filters } = body.can
  return `${body.kind}: ${tellClass(body.people)} can ${action} ${filters.map(one => one.text).join(', ')}`
}

export function tellClass({ identity: who, roles, exactly }: PeopleClass): string {
  const held = roles === undefined ? '' : `${exactly ? 'exactly ' : ''}${roles.join(exactly ? ' and ' : ' or ')}`
  return [who, held].filter(part => part !== undefined && part !== '').join(' with ')
}
