/** What the log said, and whether today's answer is another. */
import type { Qos } from '../../decide/decision.ts'
import type { LoggedDecision } from '../../observe/read-log.ts'
import { formatWhere } from '../../problem.ts'
import { replayDecision, type UnknownReason } from '../../prove/replay/replay-decision.ts'
import type { LoadedPolicy } from '../../source/folder.ts'
import type { ExplainedAction, ExplainedWho, Explanation } from './explain.ts'

export interface ThenAndNow {
  readonly effect: LoggedDecision['effect']
  readonly time: string
  readonly code?: string
  readonly rule?: string
  readonly revision?: string
  readonly reportOnly?: true
  /** Of the policies now. */
  readonly revisionNow: string
  /** Undefined where the log does not say enough. */
  readonly differs: boolean | undefined
  /** The comparison, in words. */
  readonly sentence: string
}

/** The question that the line answers. What it does not say of a message is taken as none. */
export function askedByLog({ identity, captures, action }: LoggedDecision): {
  readonly who: ExplainedWho
  readonly action: ExplainedAction
} {
  const { verb, topic, qos = 0, retain = false, payloadBytes = 0 } = action
  return {
    who: { kind: 'identity', identity, captures },
    action: { verb, topic, qos: qos as Qos, retain, payloadBytes },
  }
}

/** Compares a line with what is answered now. */
export function thenAndNow(policy: LoadedPolicy, logged: LoggedDecision, now: Explanation): ThenAndNow {
  const replayed = replayDecision(policy, logged)
  const { effect, time, code, rule, revision, reportOnly } = logged
  const present = Object.entries({ code, rule, revision, reportOnly }).filter(([, value]) => value !== undefined)
  return {
    ...{ effect, time, ...Object.fromEntries(present), revisionNow: policy.revision },
    differs: replayed.kind === 'unknown' ? undefined : replayed.kind === 'changed',
    sentence: replayed.kind === 'unknown' ? unknownTexts[replayed.why] : sentenceOf(logged, now, replayed.kind),
  }
}

const unknownTexts: Readonly<Record<UnknownReason, string>> = {
  'no-identity': 'cannot be known: the policies have no such identity now',
  'not-policy': 'cannot be known: it was refused then for something that no policy says',
  'beyond-policy': 'the same policies answer otherwise: it was not they alone that decided then',
  'missing-facts': 'cannot be known: it depends on the size, QoS or retain of the message, which the log does not have',
}

function sentenceOf({ effect, rule, code }: LoggedDecision, now: Explanation, kind: 'same' | 'changed'): string {
  if (kind === 'changed')
    return effect === now.effect
      ? 'another: the subscription is granted otherwise'
      : `another: ${effect} then, ${now.effect} now`
  const places = [
    ...now.rules.map(({ where }) => formatWhere(where)),
    now.problem?.where && formatWhere(now.problem.where),
  ]
  const isSameRule = rule === undefined || places.includes(rule)
  if (!isSameRule) return 'the same, by another rule or a rule in another place'
  return now.problem === undefined || code === undefined || code === now.problem.code || code === 'bind/will-refused'
    ? 'the same'
    : 'the same, for another reason'
}

/** Lines for a person. */
export function thenAndNowLines(compared: ThenAndNow): readonly string[] {
  const { effect, code, rule, revision, time, reportOnly, revisionNow, sentence } = compared
  const facts = [
    code,
    rule === undefined ? undefined : `by ${rule}`,
    reportOnly ? 'only reported' : undefined,
    revision === undefined ? undefined : `revision ${revision}`,
    time === '' ? undefined : time,
  ].filter(fact => fact !== undefined)
  return [
    `  then         ${effect}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`,
    `  now          ${sentence} (revision ${revisionNow})`,
  ]
}
