/** Why a running broker is not ready, as far as its gate knows: an old CRL, or a clock that is not to be believed. */
import type { Gate } from '../../gate.ts'
import type { ReadinessCheck } from '../../observe/readiness.ts'
import { problem } from '../../problem.ts'

export function gateChecks(gate: Pick<Gate, 'revocations'>): readonly ReadinessCheck[] {
  return [
    {
      name: 'crl',
      problem: () => {
        const stale = gate.revocations.crls().find(({ state }) => state === 'stale')
        if (stale === undefined) return undefined
        const next = new Date(stale.nextUpdate).toISOString()
        return problem('accept/stale-crl', `a CRL of \`${stale.issuer}\` should have been replaced by ${next}`, {
          help: 'fetch the newest CRL of the CA',
        })
      },
    },
    { name: 'clock', problem: () => gate.revocations.clockProblem() },
  ]
}
