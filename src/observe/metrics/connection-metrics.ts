/** Connections from TCP up to their end, and the sessions that they carry. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Trace } from '../../trace.ts'
import type { AskSource } from './metrics-source.ts'

export function connectionMetrics(registry: Registry, source: AskSource): Trace {
  const registers = [registry]
  new Counter({
    name: 'portcullis_connections_accepted_total',
    help: 'TCP connections taken.',
    registers,
    collect() {
      this.reset()
      this.inc(source()?.connections().accepted ?? 0)
    },
  })
  new Gauge({
    name: 'portcullis_connections_open',
    help: 'TCP connections that are open, logged in or not.',
    registers,
    collect() {
      this.set(source()?.connections().open ?? 0)
    },
  })
  new Gauge({
    name: 'portcullis_sessions_live',
    help: 'Sessions that are connected.',
    registers,
    collect() {
      this.set(source()?.sessions().live ?? 0)
    },
  })
  new Gauge({
    name: 'portcullis_sessions_kept',
    help: 'Sessions that outlive their connection, connected now or not.',
    registers,
    collect() {
      this.set(source()?.sessions().kept ?? 0)
    },
  })
  const handshakes = new Counter({
    name: 'portcullis_handshakes_refused_total',
    help: 'Connections refused before anything was read of them, by problem code.',
    labelNames: ['code'],
    registers,
  })
  const disconnects = new Counter({
    name: 'portcullis_disconnects_total',
    help: 'Sessions that were disconnected, by problem code; without one where the client went by itself.',
    labelNames: ['code'],
    registers,
  })
  return event => {
    if (event.event === 'handshake-refused') handshakes.inc({ code: event.problem.code })
    if (event.event === 'disconnected') disconnects.inc({ code: event.problem?.code ?? '' })
  }
}
