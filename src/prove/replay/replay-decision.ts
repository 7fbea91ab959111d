/** One decision of the log, decided again under a policy set: the same, another, or not to be known. Pure. */
import { type AskedAction, ask } from '../../decide/ask.ts'
import type { Decision, Qos } from '../../decide/decision.ts'
import type { LoggedDecision } from '../../observe/read-log.ts'
import type { PolicySet } from '../../policy/model.ts'
import { namedIdentity } from '../../policy/named-identity.ts'
import type { TracedAction } from '../../trace.ts'

export const replayChanges = ['newly-refused', 'newly-permitted', 'lower-qos', 'narrowed', 'not-narrowed'] as const
export type ReplayChange = (typeof replayChanges)[number]

/** Why a line does not say enough to be decided again. */
export type UnknownReason =
  /** The set has no such identity, or not with these captures: what its certificate would be is not in the log. */
  | 'no-identity'
  /** Refused for something that no rule says: a limit, a revocation, an owned session. */
  | 'not-policy'
  /** The very same revision answers otherwise: it was not the policy alone that decided. */
  | 'beyond-policy'
  /** Size, QoS or retain is not in the log, and the answer depends on it. */
  | 'missing-facts'

export type Replayed =
  | { readonly kind: 'same' }
  | { readonly kind: 'changed'; readonly change: ReplayChange; readonly now: Decision }
  | { readonly kind: 'unknown'; readonly why: UnknownReason }

export interface Candidate {
  readonly set: PolicySet
  readonly revision: string
}

/** Codes of refusals that come from the policy and from nothing else. */
const policyCodes: ReadonlySet<string> = new Set([
  'bind/client-id-mismatch',
  'bind/client-id-empty',
  'bind/member-refused',
  'bind/not-a-member',
  'bind/will-refused',
])

function isOfPolicy(code: string): boolean {
  return code.startsWith('decide/') || policyCodes.has(code)
}

/**
 * Decides a line of the log anew.
 * @example replayDecision({ set, revision }, decision).kind // 'same'
 */
export function replayDecision(candidate: Candidate, logged: LoggedDecision): Replayed {
  if (logged.effect === 'refuse' && !isOfPolicy(logged.code ?? '')) return { kind: 'unknown', why: 'not-policy' }
  const identity = namedIdentity(candidate.set, { kind: logged.identity, captures: logged.captures })
  if (!identity.ok) return { kind: 'unknown', why: 'no-identity' }
  const decisions = questionsOf(logged).map(questions => decideAll(candidate.set, identity.value, questions))
  const [now] = decisions
  if (now === undefined || decisions.some(({ effect }) => effect !== now.effect))
    return { kind: 'unknown', why: 'missing-facts' }
  const change = changeOf(logged, now)
  if (change === undefined) return { kind: 'same' }
  return logged.revision === candidate.revision
    ? { kind: 'unknown', why: 'beyond-policy' }
    : { kind: 'changed', change, now }
}

/** The first refusal, else the last permit. */
function decideAll(set: PolicySet, identity: Parameters<typeof ask>[1], actions: readonly AskedAction[]): Decision {
  const decisions = actions.map(action => ask(set, identity, action))
  return decisions.find(({ effect }) => effect === 'refuse') ?? (decisions.at(-1) as Decision)
}

/** What the line may have asked: more than one question where it leaves a fact open. A will of a CONNECT asks for both. */
function questionsOf({ action, code, clientId }: LoggedDecision): readonly (readonly AskedAction[])[] {
  const actions = possibleActions(action)
  if (code !== 'bind/will-refused' || clientId === undefined) return actions.map(one => [one])
  return actions.map(one => [askedConnect(clientId), one])
}

const askedConnect = (clientId: string): AskedAction => ({
  ...{ verb: 'connect', topic: clientId },
  ...{ qos: 0, retain: false, payloadBytes: 0 },
})

/** More bytes than a packet has. */
const mostBytes = 2 ** 28

function possibleActions({ verb, topic, qos, retain, payloadBytes }: TracedAction): readonly AskedAction[] {
  const isMessage = verb === 'publish' || verb === 'will'
  const any = <T>(known: T | undefined, all: readonly T[], unused: T): readonly T[] =>
    known !== undefined ? [known] : isMessage ? all : [unused]
  // a size more can only be too much, so the least and the most say what all between them do
  const sizes = any(payloadBytes, [0, mostBytes], 0)
  const levels = any<Qos>(qos as Qos | undefined, [0, 1, 2], 0)
  const kinds = any(retain, [false, true], false)
  return sizes.flatMap(size => levels.flatMap(level => kinds.map(kind => asked(verb, topic, level, kind, size))))
}

function asked(verb: AskedAction['verb'], topic: string, qos: Qos, retain: boolean, payloadBytes: number): AskedAction {
  return { verb, topic, qos, retain, payloadBytes }
}

function changeOf({ effect, action, narrowed }: LoggedDecision, now: Decision): ReplayChange | undefined {
  if (effect !== now.effect) return now.effect === 'refuse' ? 'newly-refused' : 'newly-permitted'
  if (now.effect === 'refuse') return undefined
  // the broker asks for what it may grant, so what was asked is what was granted
  if (now.grantedQos !== undefined && action.qos !== undefined && now.grantedQos < action.qos) return 'lower-qos'
  if (action.verb !== 'subscribe' || now.narrowed === narrowed) return undefined
  return now.narrowed ? 'narrowed' : 'not-narrowed'
}
