/** Readiness: whether devices should be sent here. Whoever knows a reason why not adds a check; one reason is enough. */
import { formatWhere, type Problem, problem } from '../problem.ts'
import { escapeTerminal } from './escape-terminal.ts'

export interface ReadinessCheck {
  /** One word, such as `crl`; unique among the checks. */
  readonly name: string
  /** Why not; undefined where nothing is wrong. Asked with every probe, so it must be quick. */
  problem(): Problem | undefined
}

export interface Unready {
  readonly name: string
  readonly problem: Problem
}

/**
 * @example
 * const readiness = new Readiness()
 * readiness.add({ name: 'cluster', problem: () => cluster.problem })
 */
export class Readiness {
  readonly #checks = new Map<string, ReadinessCheck>()

  /** Adds a check, or takes the place of the one of that name. */
  add(check: ReadinessCheck): void {
    this.#checks.set(check.name, check)
  }

  /** Every reason why not; none: ready. A check that throws is one. */
  reasons(): readonly Unready[] {
    return [...this.#checks.values()].flatMap(check => {
      const found = ask(check)
      return found === undefined ? [] : [{ name: check.name, problem: found }]
    })
  }
}

/** `crl: accept/stale-crl: the CRL of …`, on one line whatever stands in it. */
export function unreadyLine({ name, problem: { code, sentence, where } }: Unready): string {
  const place = where === undefined ? '' : ` (${formatWhere(where)})`
  return escapeTerminal(`${name}: ${code}: ${sentence}${place}`)
}

function ask(check: ReadinessCheck): Problem | undefined {
  try {
    return check.problem()
  } catch (error) {
    return problem('enforce/internal', error instanceof Error ? error.message : 'unknown error')
  }
}
