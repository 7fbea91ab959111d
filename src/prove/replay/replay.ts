/** A decision log under a candidate set: what would change, in groups, and what the log does not let anybody know. Pure. */
import type { LogEntry, LoggedDecision } from '../../observe/read-log.ts'
import type { Rule } from '../../policy/model.ts'
import { formatWhere } from '../../problem.ts'
import {
  type Candidate,
  type ReplayChange,
  replayChanges,
  replayDecision,
  type UnknownReason,
} from './replay-decision.ts'

/** Lines that change alike. */
export interface ReplayGroup {
  readonly change: ReplayChange
  /** Identity kind. */
  readonly identity: string
  readonly action: LoggedDecision['action']['verb']
  /** `file:line:column` as the log has it; of a refusal by no rule the nearest one, or none. */
  readonly ruleThen: string | undefined
  /** The rule that decides now; absent where no rule allows it any more. */
  readonly ruleNow: Rule | undefined
  /** The code that refuses now. */
  readonly codeNow: string | undefined
  readonly count: number
  /** The first of them. */
  readonly example: LoggedDecision
  /** Why, of the example. */
  readonly reason: string | undefined
}

export interface ReplaySummary {
  readonly decisions: number
  readonly same: number
  readonly changed: Readonly<Record<ReplayChange, number>>
  /** Most frequent first within each change. */
  readonly groups: readonly ReplayGroup[]
  /** Lines that change but found no group any more, for the number of groups is bounded. */
  readonly ungrouped: number
  readonly unknown: Readonly<Record<UnknownReason, number>>
  /** Refusals that the log only counted. */
  readonly suppressed: number
  /** Refusals before anybody was known. */
  readonly nobody: number
  /** Log-ins that were decided by the identity that the log names, not by a certificate. */
  readonly connects: number
  /** Permits other than log-ins: the log has them only as far as `log.permits` says. */
  readonly permits: number
  /** Refused, but let pass at the time. */
  readonly reportOnly: number
  /** Lines that decide nothing. */
  readonly others: number
}

/** A hostile log names as many rules as it likes. */
const mostGroups = 1000

type Growing<T> = { -readonly [Key in keyof T]: T[Key] }

/**
 * Takes the entries of a log one by one, in flat memory.
 * @example const replay = new Replay({ set, revision }); replay.add(entry); replay.summary()
 */
export class Replay {
  readonly #candidate: Candidate
  readonly #groups = new Map<string, Growing<ReplayGroup>>()
  readonly #changed: Record<ReplayChange, number> = {
    ...{ 'newly-refused': 0, 'newly-permitted': 0 },
    ...{ 'lower-qos': 0, narrowed: 0, 'not-narrowed': 0 },
  }
  readonly #unknown: Record<UnknownReason, number> = {
    ...{ 'no-identity': 0, 'not-policy': 0, 'beyond-policy': 0, 'missing-facts': 0 },
  }
  readonly #counts = {
    ...{ decisions: 0, same: 0, ungrouped: 0, suppressed: 0, nobody: 0, connects: 0, permits: 0, reportOnly: 0 },
    others: 0,
  }

  constructor(candidate: Candidate) {
    this.#candidate = candidate
  }

  add(entry: LogEntry): void {
    if (entry.kind === 'suppressed') this.#counts.suppressed += entry.count
    else if (entry.kind === 'nobody') this.#counts.nobody += 1
    else if (entry.kind === 'other') this.#counts.others += 1
    else this.#decide(entry.decision)
  }

  summary(): ReplaySummary {
    const rank = ({ change }: ReplayGroup): number => replayChanges.indexOf(change)
    const groups = [...this.#groups.values()].sort((a, b) => rank(a) - rank(b) || b.count - a.count)
    return { ...this.#counts, changed: { ...this.#changed }, unknown: { ...this.#unknown }, groups }
  }

  #decide(logged: LoggedDecision): void {
    const counts = this.#counts
    counts.decisions += 1
    if (logged.action.verb === 'connect') counts.connects += 1
    else if (logged.effect === 'permit') counts.permits += 1
    if (logged.reportOnly) counts.reportOnly += 1
    const replayed = replayDecision(this.#candidate, logged)
    if (replayed.kind === 'same') counts.same += 1
    else if (replayed.kind === 'unknown') this.#unknown[replayed.why] += 1
    else this.#group(logged, replayed.change, replayed.now)
  }

  #group(
    logged: LoggedDecision,
    change: ReplayChange,
    now: Extract<ReturnType<typeof replayDecision>, { kind: 'changed' }>['now'],
  ): void {
    this.#changed[change] += 1
    const ruleNow = now.rules[0]
    const codeNow = now.effect === 'refuse' ? now.problem.code : undefined
    const place = ruleNow === undefined ? codeNow : formatWhere(ruleNow.where)
    const { identity, action, rule: ruleThen } = logged
    const key = JSON.stringify([change, identity, action.verb, ruleThen, place])
    const group = this.#groups.get(key)
    if (group !== undefined) group.count += 1
    else if (this.#groups.size >= mostGroups) this.#counts.ungrouped += 1
    else {
      const reason = now.effect === 'refuse' ? now.problem.sentence : undefined
      this.#groups.set(key, {
        ...{ change, identity, action: action.verb, ruleThen, ruleNow, codeNow, count: 1 },
        ...{ example: logged, reason },
      })
    }
  }
}
