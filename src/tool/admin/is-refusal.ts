/** Which events of a broker are refusals. */
import type { TraceEvent } from '../../trace.ts'

type Refusal = Extract<
  TraceEvent,
  { readonly event: 'handshake-refused' | 'connect-refused' | 'refused' | 'would-refuse' }
>

const refusals: ReadonlySet<string> = new Set(['handshake-refused', 'connect-refused', 'refused', 'would-refuse'])

export function isRefusal(event: TraceEvent): event is Refusal {
  return refusals.has(event.event)
}
