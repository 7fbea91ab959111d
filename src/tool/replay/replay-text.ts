/** What a replay found, for a person, line by line, and for a machine. */
import { explainCommand } from '../../observe/explain-command.ts'
import type { LoggedDecision } from '../../observe/read-log.ts'
import { identityText } from '../../policy/identity-text.ts'
import { shellQuote } from '../../policy/shell-quote.ts'
import { formatWhere } from '../../problem.ts'
import type { ReplayGroup, ReplaySummary } from '../../prove/replay/replay.ts'
import type { ReplayChange, UnknownReason } from '../../prove/replay/replay-decision.ts'
import { ruleText } from '../explain/rule-text.ts'
import { count } from '../io.ts'

/** What the lines are about. */
export interface ReplayContext {
  readonly log: string
  /** The candidate folder as a person would write it. */
  readonly folder: string
  readonly revision: string
  /** Lines that are none of a decision log. */
  readonly broken: number
}

const headings: Readonly<Record<ReplayChange, string>> = {
  'newly-refused': 'newly refused',
  'newly-permitted': 'newly permitted',
  'lower-qos': 'subscriptions with a lower QoS',
  narrowed: 'subscriptions newly narrowed to their allowed part',
  'not-narrowed': 'subscriptions no longer narrowed',
}

/** The sum first, then each group with an example, then what the log does not say. */
export function replayLines(summary: ReplaySummary, context: ReplayContext): readonly string[] {
  const changed = Object.values(summary.changed).reduce((sum, one) => sum + one, 0)
  const groups = (Object.keys(headings) as ReplayChange[]).flatMap(change => {
    const these = summary.groups.filter(group => group.change === change)
    return summary.changed[change] === 0
      ? []
      : [`${headings[change]}: ${summary.changed[change]}`, ...these.flatMap(group => groupLines(group, context))]
  })
  const unknown = unknownLines(summary, context)
  return [
    `${count(summary.decisions, 'decision')} replayed under ${context.folder} (revision ${context.revision}): ${summary.same} the same, ${changed} would change`,
    ...groups,
    ...(summary.ungrouped === 0 ? [] : [`  ${summary.ungrouped} more, in too many groups to be told apart`]),
    ...(unknown.length === 0 ? [] : ['what this log does not say:', ...unknown.map(line => `  ${line}`)]),
  ]
}

function groupLines(group: ReplayGroup, context: ReplayContext): readonly string[] {
  const { identity, action, ruleThen, ruleNow, codeNow, reason } = group
  const then = `${group.example.effect === 'permit' ? 'permitted' : 'refused'} then${ruleThen === undefined ? '' : ` (${ruleThen})`}`
  const now = ruleNow === undefined ? codeNow : `${formatWhere(ruleNow.where)}: ${ruleText(ruleNow)}`
  return [
    `  ${group.count}x ${identity} ${action}: ${then}; now ${now ?? 'permitted'}`,
    ...(reason === undefined ? [] : [`    reason   ${reason}`]),
    `    example  ${exampleOf(group.example, context)}`,
  ]
}

/** Under the candidate; by the line of the log where the topic cannot be written into a command. */
function exampleOf(
  { identity, captures, address, action, line }: LoggedDecision,
  { folder, log }: ReplayContext,
): string {
  const who = identityText({ kind: identity, captures })
  const policies = folder === 'policies' ? '' : ` ${shellQuote(`--policies=${folder}`)}`
  return (
    explainCommand({ address, who }, action, folder) ??
    `npx portcullis policy explain --log ${shellQuote(`${log}:${line}`)}${policies}`
  )
}

const unknownTexts: Readonly<Record<UnknownReason, string>> = {
  'no-identity':
    'of an identity that the policies do not have (any more): what its certificate would be is not in the log',
  'not-policy': 'refused for something that no policy says (a limit, a certificate, an owned session): not replayed',
  'beyond-policy': 'answered otherwise by the same revision: not the policy alone decided',
  'missing-facts': 'without size, QoS or retain, on which the answer depends',
}

function unknownLines(summary: ReplaySummary, { broken }: ReplayContext): readonly string[] {
  const { unknown, suppressed, nobody, connects, permits, reportOnly } = summary
  const line = (number: number, text: string): readonly string[] => (number === 0 ? [] : [`${number}x ${text}`])
  return [
    ...line(suppressed, 'refused and only counted (`suppressed`): of what is not known'),
    ...line(nobody, 'refused before anybody was known (no certificate, no identity): no policy can be asked'),
    ...(Object.keys(unknownTexts) as UnknownReason[]).flatMap(why => line(unknown[why], unknownTexts[why])),
    ...line(
      connects,
      'log-ins: decided for the identity in the log; whether a certificate is still that identity is not in it',
    ),
    ...line(reportOnly, 'refused, but let pass when it was only reported'),
    ...line(broken, 'lines that are none of a decision log'),
    permits === 0
      ? 'the log has no permits (`log.permits: none`?): what would be newly refused cannot be found'
      : 'permits are there as far as `log.permits` says: by default the first use of each rule by a session, `all` has every one',
  ]
}

/** Everything as data; identities as text. */
export function replayJson(summary: ReplaySummary, context: ReplayContext): Record<string, unknown> {
  return {
    ...{ log: context.log, policies: context.folder, revision: context.revision, brokenLines: context.broken },
    ...summary,
    groups: summary.groups.map(group => ({
      ...group,
      ruleNow: group.ruleNow === undefined ? undefined : { text: ruleText(group.ruleNow), where: group.ruleNow.where },
      example: {
        ...{ line: group.example.line, time: group.example.time, action: group.example.action },
        who: identityText({ kind: group.example.identity, captures: group.example.captures }),
        explain: exampleOf(group.example, context),
      },
    })),
  }
}
