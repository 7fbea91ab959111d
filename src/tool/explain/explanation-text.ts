/** An Explanation for a person, line by line, and for a machine. */
import type { MappedIdentity } from '../../policy/model.ts'
import { formatWhere } from '../../problem.ts'
import type { ExplainedAction, Explanation } from './explain.ts'

/** The verdict first, then one fact a line. */
export function explanationLines(explanation: Explanation): readonly string[] {
  const { effect, action, identity, clientIds, roles, rules, nearest, problem: p, grantedQos, narrowed } = explanation
  const fact = (name: string, text: string): string => `  ${name.padEnd(11)}  ${text}`
  const many = (name: string, texts: readonly string[]): string[] =>
    texts.length === 0 ? [] : [fact(name, texts.join(', '))]
  return [
    `${effect}: ${actionText(action)}`,
    ...(p === undefined ? [] : [fact('reason', `${p.sentence} (${p.code})`)]),
    ...rules.map(rule => fact('rule', `${formatWhere(rule.where)}: ${rule.text}`)),
    ...nearest.map(rule => fact('nearest', `${formatWhere(rule.where)}: ${rule.text}`)),
    ...(p?.help === undefined ? [] : [fact('help', p.help)]),
    ...(grantedQos !== undefined && grantedQos < action.qos ? [fact('granted', `QoS ${grantedQos} at most`)] : []),
    ...(narrowed ? [fact('narrowed', 'delivery brings only the part that is allowed')] : []),
    ...(identity === undefined ? [] : [fact('identity', identityText(identity))]),
    ...many('client id', clientIds),
    ...many('roles', roles),
  ]
}

/** Maps become objects; everything else is JSON as it is. */
export function explanationJson(explanation: Explanation): Record<string, unknown> {
  const { identity } = explanation
  return {
    ...explanation,
    ...(identity === undefined ? {} : { identity: { kind: identity.kind, ...Object.fromEntries(identity.captures) } }),
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
