/**
 * Metrics in the text format of Prometheus. What is rare is counted as the trace tells it; what happens with every packet is a
 * plain number elsewhere and is read when somebody scrapes. docs/operation.md lists them all.
 */
import { collectDefaultMetrics, Gauge, type MetricObject, Registry } from 'prom-client'
import type { Trace } from '../trace.ts'
import { type Clock, systemClock } from './clock.ts'
import { connectionMetrics } from './metrics/connection-metrics.ts'
import { decisionMetrics } from './metrics/decision-metrics.ts'
import type { MetricsSource } from './metrics/metrics-source.ts'
import { policyMetrics } from './metrics/policy-metrics.ts'
import { revocationMetrics } from './metrics/revocation-metrics.ts'
import { trustMetrics } from './metrics/trust-metrics.ts'

export interface MetricsOptions {
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly now?: () => number
  readonly clock?: Pick<Clock, 'now'>
  /** Whether the process tells of itself too: CPU, memory, event loop. Default true; once per process. */
  readonly process?: boolean
}

export interface Metrics {
  /** Takes every event of the gate; as many as there are, whatever the log leaves out. */
  readonly trace: Trace
  /** `Content-Type` of the text. */
  readonly contentType: string
  /** From now on, this is what is asked. */
  watch(source: MetricsSource): void
  /** Everything, as it is now. */
  text(): Promise<string>
  /** All metrics by name. */
  list(): readonly MetricFacts[]
}

export interface MetricFacts {
  readonly name: string
  readonly type: string
  readonly labels: readonly string[]
  readonly help: string
}

/**
 * @example
 * const metrics = createMetrics()
 * const gate = await openGate({ …, trace: metrics.trace })
 */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const registry = new Registry()
  const now = options.now ?? Date.now
  let source: MetricsSource | undefined
  const ask = (): MetricsSource | undefined => source
  const parts: readonly Trace[] = [
    decisionMetrics(registry, ask),
    connectionMetrics(registry, ask),
    policyMetrics(registry, ask, now),
    trustMetrics(registry, ask, now),
    revocationMetrics(registry, ask, options.clock ?? systemClock),
  ]
  new Gauge({
    name: 'portcullis_ready',
    help: '1 where /readyz says so, else 0.',
    registers: [registry],
    collect() {
      this.set(source?.isReady() === true ? 1 : 0)
    },
  })
  if (options.process !== false) collectDefaultMetrics({ register: registry })
  return {
    trace: event => {
      for (const part of parts) part(event)
    },
    contentType: registry.contentType,
    watch: next => {
      source = next
    },
    text: () => registry.metrics(),
    list: () => registry.getMetricsAsArray().map(factsOf),
  }
}

/** What prom-client knows of a metric beyond what its types say. */
function factsOf(metric: MetricObject & { readonly labelNames?: readonly string[] }): MetricFacts {
  const { name, help, labelNames = [] } = metric
  return { name, help, type: String(metric.type), labels: [...labelNames] }
}
