/** The decision log: one line per refusal and connection event, JSON for machines, plain for a terminal. Never a payload. */
import { pino } from 'pino'
import { formatWhere, type Problem } from '../problem.ts'
import type { Trace, TracedAction, TracedPeer, TraceEvent } from '../trace.ts'
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
  if (event.event !== 'refused' && event.event !== 'connect-refused') return undefined
  if (event.action === undefined || event.problem.code.startsWith('accept/')) return undefined
  return explainCommand(event.peer, event.action, policies)
}

function severity(event: TraceEvent): 'info' | 'warn' | 'error' {
  switch (event.event) {
    case 'connected':
    case 'disconnected':
    case 'policy-loaded':
    case 'revocations-loaded':
      return 'info'
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

function fields(event: TraceEvent, policies: string): Record<string, unknown> {
  switch (event.event) {
    case 'policy-loaded':
    case 'revocations-loaded': {
      const { event: _, ...rest } = event
      return rest
    }
    case 'policy-refused':
      return { revision: event.revision, problems: event.problems.map(problemFields) }
    case 'alarm':
      return problemFields(event.problem)
    default: {
      const { who, ...peer } = event.peer
      const action = 'action' in event ? event.action : undefined
      const explain = explainOf(event, policies)
      return {
        ...(who === undefined ? {} : { device: who }),
        ...peer,
        ...(action ? { action: action.verb, topic: action.topic, qos: action.qos, retain: action.retain } : {}),
        ...('problem' in event && event.problem
          ? event.event === 'disconnected'
            ? { code: event.problem.code }
            : problemFields(event.problem)
          : {}),
        ...('revision' in event ? { revision: event.revision } : {}),
        ...(explain ? { explain } : {}),
      }
    }
  }
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

function sentence(event: TraceEvent, policies: string): string {
  switch (event.event) {
    case 'policy-loaded':
      return `policy   revision ${event.revision} in force: ${event.rules} rules, ${event.tests} tests passed`
    case 'policy-refused':
      return `policy   change refused, revision ${event.revision} stays${event.problems.map(p => ` | ${p.where ? `${formatWhere(p.where)}: ` : ''}${p.code}: ${p.sentence}${p.help ? `; ${p.help}` : ''}`).join('')}`
    case 'revocations-loaded':
      return `crl      ${event.issuer}: ${event.entries} revoked certificates`
    case 'alarm':
      return `alarm   ${because(event.problem)}`
    case 'connected':
    case 'disconnected':
      return `${event.event} ${name(event.peer)} from ${event.peer.address}${'problem' in event && event.problem ? ` (${event.problem.code})` : ''}`
    default: {
      const action = 'action' in event ? event.action : undefined
      const explain = explainOf(event, policies)
      return `refused ${name(event.peer)} from ${event.peer.address}${actionText(action)}${because(event.problem)}${explain ? `; ${explain}` : ''}`
    }
  }
}
