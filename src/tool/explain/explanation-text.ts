/** An Explanation for a person, line by line, and for a machine. */
import type { MappedIdentity } from '../../policy/model.ts'
import { formatWhere } from '../../problem.ts'
import type { ExplainedAction, Explanation } from './explain.ts'
import type { Ways } from './ways.ts'

const fact = (name: string, text: string): string => `  ${name.padEnd(11)}  ${text}`

/** What comes near besides what is told already, and each change that alone would permit it. */
function wayLines({ nearMisses, changes }: Ways, told: readonly string[]): readonly string[] {
  const others = nearMisses.filter(({ where }) => !told.includes(formatWhere(where)))
  return [
    ...others.map(({ where, rule, failed }) => fact('also near', `${formatWhere(where)}: ${rule}: ${failed}`)),
    ...changes.map(({ text }) => fact('change to', text)),
    ...(changes.length === 0 ? [fact('change to', 'nothing short of another rule would permit it')] : []),
  ]
}

/** The verdict first, then one fact a line. */
export function explanationLines(explanation: Explanation, ways?: Ways): readonly string[] {
  const { effect, action, identity, clientIds, roles, rules, nearest, problem: p, grantedQos, narrowed } = explanation
  const many = (name: string, texts: readonly string[]): string[] =>
    texts.length === 0 ? [] : [fact(name, texts.join(', '))]
  return [
    `${effect}: ${actionText(action)}`,
    ...(p === undefined ? [] : [fact('reason', `${p.sentence} (${p.code})`)]),
    ...rules.map(rule => fact('rule', `${formatWhere(rule.where)}: ${rule.text}`)),
    ...nearest.map(rule => fact('nearest', `${formatWhere(rule.where)}: ${rule.text}`)),
    ...(p?.help === undefined ? [] : [fact('help', p.help)]),
    ...(ways === undefined
      ? []
      : wayLines(
          ways,
          nearest.map(({ where }) => formatWhere(where)),
        )),
    ...(grantedQos !== undefined && grantedQos < action.qos ? [fact('granted', `QoS ${grantedQos} at most`)] : []),
    ...(narrowed ? [fact('narrowed', 'delivery brings only the part that is allowed')] : []),
    ...(identity === undefined ? [] : [fact('identity', identityText(identity))]),
    ...many('client id', clientIds),
    ...many('roles', roles),
  ]
}

/** Maps become objects; everything else is JSON as it is. */
export function explanationJson(explanation: Explanation, ways?: Ways): Record<string, unknown> {
  const { identity } = explanation
  return {
    ...explanation,
    ...(ways === undefined ? {} : waysJson(ways)),
    ...(identity === undefined ? {} : { identity: { kind: identity.kind, ...Object.fromEntries(identity.captures) } }),
  }
}

/** Deny rules that would have to go are told by their places. */
function waysJson({ nearMisses, changes }: Ways): Record<string, unknown> {
  return {
    nearMisses,
    changes: changes.map(({ without, ...change }) => ({
      ...change,
      ...(without === undefined ? {} : { without: without.map(({ where }) => where) }),
    })),
  }
}

function actionText({ verb, topic, qos, retain, payloadBytes }: ExplainedAction): string {
  const carriesMessage = verb === 'publish' || verb === 'will'
  const facts = [
    qos > 0 && (carriesMessage || verb === 'subscribe') && `QoS ${qos}`,
    retain && carriesMessage && 'retained',
    payloadBytes > 0 && carriesMessage && `${payloadBytes} bytes`,
  ].filter(text => typeof text === 'string')
  return `${verb} ${topic === '' ? "''" : topic}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`
}

function identityText({ kind, captures }: MappedIdentity): string {
  return `${kind}:${[...captures].map(([name, value]) => `${name}=${value}`).join(',')}`
}
