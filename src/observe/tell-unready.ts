/** Tells when a running broker becomes unready, once for each reason: nobody may be looking at /readyz (docs/semantics.md 4.5). */
import type { Trace } from '../trace.ts'
import type { Clock } from './clock.ts'
import type { Readiness } from './readiness.ts'

const everyMs = 10_000

/** Looks now and every ten seconds. Returns how to end that. */
export function tellUnready(readiness: Readiness, trace: Trace, clock: Clock): () => void {
  let told: ReadonlySet<string> = new Set()
  let cancel: () => void
  const look = (): void => {
    const reasons = readiness.reasons()
    for (const { name, problem } of reasons) if (!told.has(name)) trace({ event: 'alarm', problem })
    told = new Set(reasons.map(({ name }) => name))
    cancel = clock.after(everyMs, look)
  }
  look()
  return () => cancel()
}
