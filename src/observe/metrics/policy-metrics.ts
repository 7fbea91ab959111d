/** Which policy is in force, and what became of the last change of it. */
import { Gauge, type Registry } from 'prom-client'
import type { Trace } from '../../trace.ts'
import type { AskSource } from './metrics-source.ts'

/** `now`: milliseconds since 1970. */
export function policyMetrics(registry: Registry, source: AskSource, now: () => number): Trace {
  const registers = [registry]
  new Gauge({
    name: 'portcullis_policy_info',
    help: 'The policy in force: 1, with its revision and the version of the signed bundle that it came in.',
    labelNames: ['revision', 'version'],
    registers,
    collect() {
      this.reset()
      const policy = source()?.policy()
      if (policy === undefined) return
      this.set({ revision: policy.revision, version: policy.bundle === undefined ? '' : `${policy.bundle.version}` }, 1)
    },
  })
  new Gauge({
    name: 'portcullis_policy_rules',
    help: 'Rules of the policy in force.',
    registers,
    collect() {
      this.set(source()?.policy().rules ?? 0)
    },
  })
  const isOk = new Gauge({
    name: 'portcullis_policy_reload_ok',
    help: '1 where the last change of the policy came into force, 0 where it was refused and the one before it stays.',
    registers,
  })
  const succeeded = new Gauge({
    name: 'portcullis_policy_reload_success_timestamp_seconds',
    help: 'When a policy last came into force, the start included; seconds since 1970.',
    registers,
  })
  const failed = new Gauge({
    name: 'portcullis_policy_reload_failure_timestamp_seconds',
    help: 'When a change of the policy was last refused, in seconds since 1970; 0 where none was.',
    registers,
  })
  isOk.set(1)
  succeeded.set(now() / 1000)
  return event => {
    if (event.event === 'policy-loaded') {
      isOk.set(1)
      succeeded.set(now() / 1000)
    } else if (event.event === 'policy-refused') {
      isOk.set(0)
      failed.set(now() / 1000)
    }
  }
}
