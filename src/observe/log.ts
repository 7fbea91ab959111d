/** The decision log: one line per refusal, permit and connection event, JSON for machines, plain for a terminal. Never a payload. */
import { pino } from 'pino'
import { formatWhere, type Problem } from '../problem.ts'
import type { RuleRef, Trace, TracedAction, TracedPeer, TraceEvent } from '../trace.ts'
import { escapeTerminal } from './escape-terminal.ts'
import { explainCommand } from './explain-command.ts'

export interface LogOptions {
  readonly format: 'json' | 'plain'
  /** Receives whole lines, the newline included. */
  readonly write: (line: string) => void
  /** The policy folder, for the `policy explain` line. */
  readonly policies: string
  readonly now?: () => Date
}

/** A Trace that writes a log. */
export function logTrace(options: LogOptions): Trace {
  const now = options.now ?? (() => new Date())
  if (options.format === 'plain')
    return event =>
      options.write(`${escapeTerminal(`${now().toISOString().slice(11, 19)} ${sentence(event, options.policies)}`)}\n`)
  const logger = pino(
    {
      base: null,
      messageKey: 'event',
      timestamp: () => `,"time":"${now().toISOString()}"`,
      formatters: { level: level => ({ level }) },
    },
    // JSON escapes C0 only; the rest is escaped in JSON's own way, so that the line stays JSON and `cat` stays safe
    { write: line => options.write(`${escapeTerminal(line.trimEnd())}\n`) },
  )
  return event => logger[severity(event)](fields(event, options.policies), event.event)
}

/** The line that reproduces a refusal; none where the policy was not what refused, as with a revoked certificate. */
function explainOf(event: TraceEvent, policies: string): string | undefined {
  if (event.event !== 'refused' && event.event !== 'connect-refused' && event.event !== 'would-refuse') return undefined
  if (event.action === undefined || event.problem.code.startsWith('accept/')) return undefined
  return explainCommand(event.peer, event.action, policies)
}

function severity(event: TraceEvent): 'info' | 'warn' | 'error' {
  switch (event.event) {
    case 'connected':
    case 'disconnected':
    case 'permitted':
    case 'policy-loaded':
    case 'policy-changed':
    case 'revocations-loaded':
    case 'issuers-loaded':
    case 'certificate-loaded':
    case 'candidate-loaded':
    case 'enrolled':
    case 'kicked':
    case 'stopping':
      return 'info'
    case 'reloaded':
      return event.refused === 0 ? 'info' : 'error'
    case 'candidate-refused':
    case 'policy-refused':
    case 'alarm':
      return 'error'
    default:
      return 'warn'
  }
}

function problemFields(p: Problem): Record<string, unknown> {
  return {
    code: p.code,
    reason: p.sentence,
    ...(p.where ? { rule: formatWhere(p.where) } : {}),
    ...(p.help ? { help: p.help } : {}),
  }
}

/** Who it was, in the words of `policy explain`, and how it came. */
function peerFields({ who, ...peer }: TracedPeer): Record<string, unknown> {
  return { ...(who === undefined ? {} : { device: who }), ...peer }
}

/** Without the size of a message nobody could ask again, under rules that limit it, what the log says was decided. */
function actionFields({ verb, topic, qos, retain, payloadBytes }: TracedAction): Record<string, unknown> {
  return { action: verb, topic, qos, retain, payloadBytes }
}

/** `rule` is the first, under the key that refusals have too; all of them where there are more. */
function ruleFields(rules: readonly RuleRef[]): Record<string, unknown> {
  const places = rules.map(rule => formatWhere(rule.where))
  return {
    ...(places[0] === undefined ? {} : { rule: places[0], reason: ruleText(rules[0] as RuleRef) }),
    ...(places.length > 1 ? { rules: places } : {}),
  }
}

/** `role pump allows publish plant/${site}/${device}/#` */
function ruleText({ role, effect, action, filters }: RuleRef): string {
  return `role ${role} ${effect === 'allow' ? 'allows' : 'denies'} ${action} ${filters.map(({ text }) => text).join(', ')}`
}

function fields(event: TraceEvent, policies: string): Record<string, unknown> {
  switch (event.event) {
    case 'policy-loaded':
    case 'policy-changed':
    case 'candidate-loaded':
    case 'revocations-loaded':
    case 'issuers-loaded':
    case 'certificate-loaded':
    case 'reloaded':
    case 'stopping': {
      const { event: _, ...rest } = event
      return rest
    }
    case 'candidate-refused':
    case 'policy-refused':
      return { revision: event.revision, problems: event.problems.map(problemFields) }
    case 'alarm':
      return problemFields(event.problem)
    case 'kicked':
      return { ...peerFields(event.peer), by: event.by, forgotten: event.forgotten }
    case 'enrolled': {
      const { event: _, peer, ...rest } = event
      return { ...peerFields(peer), ...rest }
    }
    case 'enrol-refused':
      return {
        ...peerFields(event.peer),
        route: event.route,
        status: event.status,
        ...problemFields(event.problem),
      }
    case 'suppressed':
      return {
        ...(event.peer === undefined ? {} : peerFields(event.peer)),
        count: event.count,
        codes: event.codes,
        seconds: event.seconds,
      }
    default: {
      const action = 'action' in event ? event.action : undefined
      const explain = explainOf(event, policies)
      return {
        ...peerFields(event.peer),
        ...(action ? actionFields(action) : {}),
        ...('problem' in event && event.problem
          ? event.event === 'disconnected'
            ? { code: event.problem.code }
            : problemFields(event.problem)
          : {}),
        ...('rules' in event && event.rules ? ruleFields(event.rules) : {}),
        ...('narrowed' in event ? { narrowed: event.narrowed } : {}),
        ...('revision' in event ? { revision: event.revision } : {}),
        ...('candidate' in event ? candidateFields(event) : {}),
        ...(explain ? { explain } : {}),
      }
    }
  }
}

type Difference = Extract<TraceEvent, { readonly event: 'candidate-differs' }>

function candidateFields({ effect, candidate, candidateRevision }: Difference): Record<string, unknown> {
  return { effect, candidate, candidateRevision }
}

function name(peer: TracedPeer): string {
  return (
    peer.who ??
    peer.subject ??
    (peer.fingerprint === undefined ? 'no certificate' : `certificate ${peer.fingerprint.slice(0, 16)}`)
  )
}

function actionText(action: TracedAction | undefined): string {
  return action === undefined ? '' : ` ${action.verb} ${action.topic}`
}

function because(p: Problem | undefined): string {
  if (p === undefined) return ''
  return `: ${p.sentence} [${p.code}${p.where ? ` ${formatWhere(p.where)}` : ''}]${p.help ? `; ${p.help}` : ''}`
}

function problemText(p: Problem): string {
  return ` | ${p.where ? `${formatWhere(p.where)}: ` : ''}${p.code}: ${p.sentence}${p.help ? `; ${p.help}` : ''}`
}

/** Whose refusals were counted; of an address they may be with or without a certificate. */
function whose(peer: TracedPeer | undefined): string {
  if (peer === undefined) return 'of devices too many to be told apart'
  return peer.fingerprint === undefined ? `from ${peer.address}` : `of ${name(peer)} from ${peer.address}`
}

/** The rule, and its place; how many more there are. */
function by(rules: readonly RuleRef[]): string {
  const [first, ...more] = rules
  if (first === undefined) return ''
  return `: ${ruleText(first)} [${formatWhere(first.where)}${more.length === 0 ? '' : ` and ${more.length} more`}]`
}

function sentence(event: TraceEvent, policies: string): string {
  switch (event.event) {
    case 'policy-loaded':
      return `policy   revision ${event.revision}${event.version === undefined ? '' : ` (version ${event.version})`} in force: ${event.rules} rules, ${event.tests} tests passed`
    case 'candidate-loaded':
      return `candidate revision ${event.revision} in shadow: ${event.rules} rules, ${event.tests} tests passed`
    case 'candidate-refused':
      return `candidate change refused, revision ${event.revision} stays in shadow${event.problems.map(problemText).join('')}`
    case 'candidate-differs': {
      const instead =
        event.candidate === 'permit' ? `would permit${by(event.rules ?? [])}` : `would refuse${because(event.problem)}`
      return `candidate ${instead}; ${event.effect === 'permit' ? 'permitted' : 'refused'} ${name(event.peer)} from ${event.peer.address}${actionText(event.action)}`
    }
    case 'policy-changed': {
      const more = event.more === 0 ? '' : ` | and ${event.more} more`
      return `policy   from ${event.before} to ${event.revision}: ${event.changes.join(' | ')}${more}`
    }
    case 'policy-refused':
      return `policy   change refused, revision ${event.revision} stays${event.problems.map(problemText).join('')}`
    case 'revocations-loaded':
      return `crl      ${event.issuer}: ${event.entries} revoked certificates`
    case 'issuers-loaded':
      return `issuers  ${event.issuers} in force, with ${event.certificates} CA certificates`
    case 'certificate-loaded':
      return `broker   certificate of ${event.subject} in force, until ${event.notAfter}`
    case 'alarm':
      return `alarm   ${because(event.problem)}`
    case 'reloaded':
      return `reload   ${event.refused === 0 ? 'all that was read is in force' : `${event.refused} of what was read refused, and what was in force stays`}`
    case 'stopping':
      return `stopping on ${event.signal}: ${event.sessions} sessions end within ${event.graceSeconds + event.drainSeconds} s`
    case 'enrolled':
      return `enrolled ${name(event.peer)} from ${event.peer.address} by its ${event.by}: serial ${event.serial}, until ${event.notAfter}`
    case 'enrol-refused':
      return `refused ${event.route} with ${event.status}, ${name(event.peer)} from ${event.peer.address}${because(event.problem)}`
    case 'kicked':
      return `kicked ${name(event.peer)} from ${event.peer.address} by ${event.by}${event.forgotten ? ', and what was kept is gone' : ''}`
    case 'connected':
    case 'disconnected':
      return `${event.event} ${name(event.peer)} from ${event.peer.address}${'problem' in event && event.problem ? ` (${event.problem.code})` : ''}`
    case 'permitted':
      return `permitted ${name(event.peer)} from ${event.peer.address}${actionText(event.action)}${by(event.rules)}`
    case 'suppressed': {
      const codes = Object.entries(event.codes).map(([code, count]) => `${code} ${count}`)
      return `suppressed ${event.count} more refusal${event.count === 1 ? '' : 's'} ${whose(event.peer)} in ${event.seconds} s: ${codes.join(', ')}`
    }
    default: {
      const action = 'action' in event ? event.action : undefined
      const explain = explainOf(event, policies)
      const verb = event.event === 'would-refuse' ? 'would refuse' : 'refused'
      return `${verb} ${name(event.peer)} from ${event.peer.address}${actionText(action)}${because(event.problem)}${explain ? `; ${explain}` : ''}`
    }
  }
}
