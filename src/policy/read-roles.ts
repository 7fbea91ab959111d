/** `roles:` of a policy set: what a client may publish, subscribe to and be sent. Pure. */
import { type FilterTemplate, parseFilterTemplate } from './filter-template.ts'
import type { Accepted, Role, Rule, RuleAction } from './model.ts'
import { Names } from './names.ts'
import type { Node, Text } from './node.ts'
import { acceptShape, readAccept } from './read-accept.ts'
import type { Report } from './report.ts'
import { everyone } from './rights-holder.ts'
import {
  choice,
  type JsonSchema,
  list,
  name,
  object,
  oneOrList,
  optional,
  record,
  text,
  wholeNumber,
  yesOrNo,
} from './shape.ts'

const filters = oneOrList(text('a topic filter'), 'a topic filter or a list of them')

const rule = object('a rule', {
  publish: optional(filters, 'topics that it may (or may not) publish to'),
  subscribe: optional(filters, 'topics that it may (or may not) subscribe to and be sent'),
  receive: optional(filters, 'deny only: topics that it is never sent'),
  retain: optional(yesOrNo, 'publish only: with or without the retain flag'),
  maxQos: optional(
    choice(
      new Map([
        ['0', 0],
        ['1', 1],
        ['2', 2],
      ] as const),
    ),
    'allow only: the highest QoS',
  ),
  maxPayloadBytes: optional(wholeNumber(0, 268_435_455), 'publish allow only: the largest payload'),
  share: optional(
    list(name('a name of a group'), 'a list of groups', 1),
    'subscribe allow only: groups of shared subscriptions; such a rule grants only those',
  ),
  accept: optional(acceptShape, 'warnings that are meant, each with a reason'),
})

const actions = ['publish', 'subscribe', 'receive'] as const
const conditions = ['retain', 'maxQos', 'maxPayloadBytes', 'share'] as const

/** Which conditions apply to which rules; elsewhere they are `policy/condition-not-applicable`. */
const applicable: Readonly<Record<`${RuleAction} ${'allow' | 'deny'}`, readonly (typeof conditions)[number][]>> = {
  'publish allow': ['retain', 'maxQos', 'maxPayloadBytes'],
  'publish deny': ['retain'],
  'subscribe allow': ['maxQos', 'share'],
  'subscribe deny': [],
  'receive allow': [],
  'receive deny': [],
}

const rules = list(rule, 'a list of rules')
const role = object('a role', {
  allow: optional(rules, 'what it may do'),
  deny: optional(rules, 'what it may not do, whatever else allows it'),
  accept: optional(acceptShape, 'warnings that are meant, each with a reason'),
})
const roles = record(name('a name of a role'), role, 'a map of roles')

export const rolesSchema: JsonSchema = roles.schema

type GivenRule = NonNullable<ReturnType<typeof rule.read>>

/** The roles of all files; broken ones keep their name. */
export function readRoles(sections: readonly Node[], report: Report): Names<Role> {
  const names = new Names<Role>('role', report)
  for (const section of sections) {
    const entries = roles.read(section, report)
    if (entries === undefined) report.unread('roles')
    for (const { key, value } of entries ?? [])
      names.define(key, value === undefined ? undefined : readRole(key, value, report))
  }
  return names
}

function readRole(key: Text, given: NonNullable<ReturnType<typeof role.read>>, report: Report): Role {
  if (key.text === everyone && given.has('allow')) {
    report.add(
      'policy/everyone-allow',
      'the role `everyone` can only deny',
      given.at('allow'),
      'put what is allowed into a role of its own',
    )
  }
  const read = (effect: 'allow' | 'deny') =>
    (given.value[effect] ?? []).flatMap(one => readRule(key.text, effect, one, report) ?? [])
  const rules = [...read('allow'), ...read('deny')]
  return { name: key.text, where: key.where, rules, ...acceptedBy(given, report) }
}

function readRule(roleName: string, effect: 'allow' | 'deny', given: GivenRule, report: Report): Rule | undefined {
  const action = actionOf(given, report)
  if (action === undefined) return undefined
  if (action === 'receive' && effect === 'allow') {
    report.add(
      'policy/receive-allow',
      '`receive` can only be denied',
      given.at('receive'),
      'a client is sent what it may subscribe to: write `subscribe`',
    )
  }
  checkConditions(given, action, effect, report)
  const { value } = given
  return {
    role: roleName,
    effect,
    action,
    filters: (value[action] ?? []).flatMap(one => readFilter(one, action, effect, report)),
    ...(value.maxQos === undefined ? {} : { maxQos: value.maxQos }),
    ...(value.maxPayloadBytes === undefined ? {} : { maxPayloadBytes: value.maxPayloadBytes }),
    ...(value.retain === undefined ? {} : { retain: value.retain }),
    ...(value.share === undefined ? {} : { share: value.share.map(group => group.text) }),
    ...acceptedBy(given, report),
    where: given.at(action),
  }
}

function acceptedBy(
  given: { readonly value: { readonly accept: Parameters<typeof readAccept>[0] } },
  report: Report,
): { readonly accept?: Accepted } {
  return given.value.accept === undefined ? {} : { accept: readAccept(given.value.accept, report) }
}

function actionOf(given: GivenRule, report: Report): RuleAction | undefined {
  const found = actions.filter(action => given.has(action))
  const [first, second] = found
  if (first === undefined) {
    if (!given.misspelt)
      report.add(
        'policy/missing-key',
        'a rule lacks `publish`, `subscribe` or `receive`',
        given.where,
        'a rule names one of them',
      )
    return undefined
  }
  if (second !== undefined) {
    report.add(
      'policy/two-actions',
      `a rule has both \`${first}\` and \`${second}\``,
      given.at(second),
      'make two rules of it',
    )
  }
  return first
}

function checkConditions(given: GivenRule, action: RuleAction, effect: 'allow' | 'deny', report: Report): void {
  if (action === 'receive' && effect === 'allow') return
  const fitting = applicable[`${action} ${effect}`]
  for (const condition of conditions) {
    if (!given.has(condition) || fitting.includes(condition)) continue
    const help =
      fitting.length === 0
        ? `a ${action} ${effect} takes no condition`
        : `a ${action} ${effect} takes ${fitting.map(one => `\`${one}\``).join(', ')}`
    report.add(
      'policy/condition-not-applicable',
      `\`${condition}\` does not apply to a ${action} ${effect}`,
      given.at(condition),
      help,
    )
  }
}

function readFilter(
  given: Text,
  action: RuleAction,
  effect: 'allow' | 'deny',
  report: Report,
): readonly FilterTemplate[] {
  const template = parseFilterTemplate(given.text, given.where)
  if (!template.ok) {
    report.take(template.problem, given.where)
    return []
  }
  if (action === 'publish' && effect === 'allow' && /^\$SYS(\/|$)/.test(given.text)) {
    report.add(
      'policy/sys-publish',
      '`$SYS` belongs to the broker: nobody may publish there',
      given.where,
      'delete the rule',
    )
  }
  if (effect === 'allow' && /^\$portcullis(\/|$)/.test(given.text)) {
    report.add(
      'policy/reserved-topic',
      '`$portcullis` belongs to Portcullis: nobody may use it',
      given.where,
      'name another topic',
    )
  }
  return [template.value]
}
