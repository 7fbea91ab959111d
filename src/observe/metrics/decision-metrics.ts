/** Every decision by what it was, and every refusal by its reason. */
import { Counter, type Registry } from 'prom-client'
import type { Trace, TraceEvent } from '../../trace.ts'
import { escapeTerminal } from '../escape-terminal.ts'
import type { AskSource } from './metrics-source.ts'

interface Told {
  readonly effect: 'permit' | 'refuse' | 'would-refuse'
  readonly action: string
}

/**
 * What an event decided that is not among the counts of permits. Permits of bound sessions are: they are told only as far as the
 * log wants to know.
 */
function toldBy(event: TraceEvent): Told | undefined {
  switch (event.event) {
    case 'connected':
      return { effect: 'permit', action: 'connect' }
    case 'connect-refused':
      return { effect: 'refuse', action: 'connect' }
    case 'refused':
      return { effect: 'refuse', action: event.action.verb }
    case 'would-refuse':
      return { effect: 'would-refuse', action: event.action.verb }
    default:
      return undefined
  }
}

export function decisionMetrics(registry: Registry, source: AskSource): Trace {
  const told = new Map<string, Told & { count: number }>()
  new Counter({
    name: 'portcullis_decisions_total',
    help: 'Decisions by effect and action; permits of sessions also by the rule that permitted.',
    labelNames: ['effect', 'action', 'rule'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { effect, action, count } of told.values()) this.inc({ effect, action, rule: '' }, count)
      for (const { action, rule, count } of source()?.permits() ?? [])
        this.inc({ effect: 'permit', action, rule: escapeTerminal(rule) }, count)
    },
  })
  const refusals = new Counter({
    name: 'portcullis_refusals_total',
    help: 'Refusals of connections and of actions of sessions, by action and problem code.',
    labelNames: ['action', 'code'],
    registers: [registry],
  })
  return event => {
    const one = toldBy(event)
    if (one === undefined) return
    const key = `${one.effect} ${one.action}`
    const known = told.get(key)
    if (known === undefined) told.set(key, { ...one, count: 1 })
    else known.count++
    if (one.effect === 'refuse' && 'problem' in event && event.problem !== undefined)
      refusals.inc({ action: one.action, code: event.problem.code })
  }
}
