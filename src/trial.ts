/**
 * Trial: what is tried before it is enforced. With `reportOnly` the policy in force is asked about topics, and only told; a candidate
 * set is asked beside the one in force, and only told. Identity, client ids, revocation and ownership are enforced all the same.
 */
import { identityKey } from './bind/identity-key.ts'
import type { Decision, PublishFacts, Qos, Rights } from './decide/decision.ts'
import { identityText } from './policy/identity-text.ts'
import type { MappedIdentity } from './policy/model.ts'
import type { TopicFilter, TopicName } from './policy/topic.ts'
import type { Problem, Result } from './problem.ts'
import type { LoadedPolicy } from './source/folder.ts'
import type { Trace, TracedAction, TracedPeer } from './trace.ts'

/** Whose rights are tried. */
export interface Tried {
  readonly identity?: MappedIdentity | undefined
  readonly clientId: string
  readonly fingerprint: string
}

interface Side {
  readonly identity: MappedIdentity
  readonly rights: Rights
}

const rememberedDifferences = 10_000

export class Trial {
  readonly reportOnly: boolean
  readonly #trace: Trace
  readonly #addressOf: (clientId: string) => string
  readonly #told = new Set<string>()
  #inForce: LoadedPolicy
  #candidate: LoadedPolicy | undefined

  /** `addressOf`: where a client id is connected from. */
  constructor(
    facts: {
      readonly reportOnly: boolean
      readonly inForce: LoadedPolicy
      readonly candidate: LoadedPolicy | undefined
    },
    trace: Trace,
    addressOf: (clientId: string) => string,
  ) {
    this.reportOnly = facts.reportOnly
    this.#inForce = facts.inForce
    this.#candidate = facts.candidate
    this.#trace = trace
    this.#addressOf = addressOf
  }

  get candidate(): LoadedPolicy | undefined {
    return this.#candidate
  }

  /** One of the two sets has changed: differences are news again. */
  use(inForce: LoadedPolicy, candidate: LoadedPolicy | undefined): void {
    this.#inForce = inForce
    this.#candidate = candidate
    this.#told.clear()
  }

  /** The rights as they are enforced under this trial; the very same where nothing is tried. */
  watch(who: Tried, { rights }: Side, other: Result<Side> | undefined): Rights {
    const compared = other?.ok
      ? new ComparedRights(rights, other.value.rights, (action, ours, theirs) =>
          this.#tellDifference(who, action, ours, theirs),
        )
      : rights
    return this.reportOnly ? new ReportedRights(compared, (action, p) => this.#tellRefusal(who, action, p)) : compared
  }

  /** A certificate that may log in under one set and not under the other, or as somebody else. */
  compareLogin(who: Tried, ours: Result<Side>, theirs: Result<Side>): void {
    const isSame =
      ours.ok && theirs.ok ? identityKey(ours.value.identity) === identityKey(theirs.value.identity) : false
    if (isSame || (!ours.ok && !theirs.ok)) return
    const decisionOf = (side: Result<Side>): Decision =>
      side.ok ? { effect: 'permit', rules: [] } : { effect: 'refuse', problem: side.problem, rules: [] }
    this.#tellDifference(who, { verb: 'connect', topic: who.clientId }, decisionOf(ours), decisionOf(theirs))
  }

  #peerOf({ identity, clientId, fingerprint }: Tried): TracedPeer {
    const who = identity === undefined ? {} : { who: identityText(identity) }
    return { address: this.#addressOf(clientId), fingerprint, ...who, clientId }
  }

  #tellRefusal(who: Tried, action: TracedAction, p: Problem): void {
    const { revision } = this.#inForce
    this.#trace({ event: 'would-refuse', peer: this.#peerOf(who), action, problem: p, revision })
  }

  /** Once for each client, kind of action and reason, so that no device floods the log. */
  #tellDifference(who: Tried, action: TracedAction, ours: Decision, theirs: Decision): void {
    const reason = (decision: Decision): unknown =>
      decision.effect === 'permit' ? decision.rules[0]?.where : [decision.problem.code, decision.problem.where]
    const key = JSON.stringify([who.fingerprint, who.clientId, action.verb, reason(ours), reason(theirs)])
    if (this.#told.has(key)) return
    if (this.#told.size >= rememberedDifferences) this.#told.clear()
    this.#told.add(key)
    this.#trace({
      event: 'candidate-differs',
      peer: this.#peerOf(who),
      action,
      effect: ours.effect,
      candidate: theirs.effect,
      ...(theirs.effect === 'refuse' ? { problem: theirs.problem } : { rules: theirs.rules }),
      revision: this.#inForce.revision,
      candidateRevision: this.#candidate?.revision ?? '',
    })
  }
}

type TellRefusal = (action: TracedAction, p: Problem) => void

/** What would be refused is told and permitted, but for `$…` topics: brokers and the guard itself keep their own there. */
class ReportedRights implements Rights {
  readonly #rights: Rights
  readonly #tell: TellRefusal

  constructor(rights: Rights, tell: TellRefusal) {
    this.#rights = rights
    this.#tell = tell
  }

  publish(topic: TopicName, facts: PublishFacts): Decision {
    return this.#pass(this.#rights.publish(topic, facts), { verb: 'publish', topic, ...facts })
  }

  subscribe(filter: TopicFilter, qos: Qos): Decision {
    const decision = this.#rights.subscribe(filter, qos)
    return this.#pass(decision, { verb: 'subscribe', topic: filter, qos }, qos)
  }

  receive(topic: TopicName): Decision {
    return this.#pass(this.#rights.receive(topic), { verb: 'receive', topic })
  }

  #pass(decision: Decision, action: TracedAction, grantedQos?: Qos): Decision {
    if (decision.effect === 'permit' || action.topic.startsWith('$')) return decision
    this.#tell(action, decision.problem)
    return { effect: 'permit', rules: [], reported: true, ...(grantedQos === undefined ? {} : { grantedQos }) }
  }
}

type TellDifference = (action: TracedAction, ours: Decision, theirs: Decision) => void

/** Decides by the first; where the second would have decided otherwise, that is told. */
class ComparedRights implements Rights {
  readonly #rights: Rights
  readonly #candidate: Rights
  readonly #tell: TellDifference

  constructor(rights: Rights, candidate: Rights, tell: TellDifference) {
    this.#rights = rights
    this.#candidate = candidate
    this.#tell = tell
  }

  publish(topic: TopicName, facts: PublishFacts): Decision {
    const action: TracedAction = { verb: 'publish', topic, ...facts }
    return this.#compare(action, this.#rights.publish(topic, facts), this.#candidate.publish(topic, facts))
  }

  subscribe(filter: TopicFilter, qos: Qos): Decision {
    const action: TracedAction = { verb: 'subscribe', topic: filter, qos }
    return this.#compare(action, this.#rights.subscribe(filter, qos), this.#candidate.subscribe(filter, qos))
  }

  receive(topic: TopicName): Decision {
    return this.#compare({ verb: 'receive', topic }, this.#rights.receive(topic), this.#candidate.receive(topic))
  }

  #compare(action: TracedAction, ours: Decision, theirs: Decision): Decision {
    const isSame =
      ours.effect === 'permit' && theirs.effect === 'permit'
        ? ours.grantedQos === theirs.grantedQos && ours.narrowed === theirs.narrowed
        : ours.effect === theirs.effect
    if (!isSame) this.#tell(action, ours, theirs)
    return ours
  }
}
