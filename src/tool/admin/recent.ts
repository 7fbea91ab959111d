/** Recent: what has happened lately, kept from the trace for `portcullis status`. As large after a year as after an hour. */
import { formatProblem, type ProblemCode } from '../../problem.ts'
import type { Trace, TraceEvent } from '../../trace.ts'
import { isRefusal } from './is-refusal.ts'

export const refusalMinutes = 5
const minuteMs = 60_000

/** How the last change of the policy went. */
export interface LastReload {
  readonly at: string
  readonly outcome: 'loaded' | 'refused'
  /** Of a refused one, the first few. */
  readonly problems: readonly string[]
}

export interface RecentAlarm {
  readonly at: string
  readonly text: string
}

interface Minute {
  readonly number: number
  readonly codes: Map<ProblemCode, number>
}

const mostProblems = 5
const mostAlarms = 5

export class Recent {
  readonly #now: () => number
  #lastReload: LastReload | undefined
  #serverNotAfter: string | undefined
  #isReportOnly = false
  #alarms: readonly RecentAlarm[] = []
  /** The oldest first. */
  #minutes: Minute[] = []

  constructor(now: () => number) {
    this.#now = now
  }

  /** Told everything that the gate tells. */
  readonly trace: Trace = event => {
    switch (event.event) {
      case 'policy-loaded':
        this.#lastReload = { at: this.#time(), outcome: 'loaded', problems: [] }
        break
      case 'policy-refused': {
        const problems = event.problems.slice(0, mostProblems).map(formatProblem)
        this.#lastReload = { at: this.#time(), outcome: 'refused', problems }
        break
      }
      case 'certificate-loaded':
        this.#serverNotAfter = event.notAfter
        break
      case 'alarm':
        // told once, at the start
        if (event.problem.code === 'config/report-only') this.#isReportOnly = true
        this.#alarms = [...this.#alarms, { at: this.#time(), text: formatProblem(event.problem) }].slice(-mostAlarms)
        break
      default:
        this.#count(event)
    }
  }

  /** Undefined where the policy has not changed since the start. */
  get lastReload(): LastReload | undefined {
    return this.#lastReload
  }

  /** End of the broker's certificate, where it was replaced since the start. */
  get serverNotAfter(): string | undefined {
    return this.#serverNotAfter
  }

  /** Whether topics are only reported. */
  get isReportOnly(): boolean {
    return this.#isReportOnly
  }

  /** The last few, the oldest first. */
  get alarms(): readonly RecentAlarm[] {
    return this.#alarms
  }

  /** Refusals of the last minutes, by code. */
  get refusals(): Readonly<Partial<Record<ProblemCode, number>>> {
    this.#forget()
    const sums = new Map<ProblemCode, number>()
    for (const { codes } of this.#minutes)
      for (const [code, count] of codes) sums.set(code, (sums.get(code) ?? 0) + count)
    return Object.fromEntries([...sums].sort((a, b) => b[1] - a[1]))
  }

  #count(event: TraceEvent): void {
    if (!isRefusal(event)) return
    const number = this.#minute
    let last = this.#minutes.at(-1)
    if (last?.number !== number) {
      this.#forget()
      last = { number, codes: new Map() }
      this.#minutes.push(last)
    }
    const { code } = event.problem
    last.codes.set(code, (last.codes.get(code) ?? 0) + 1)
  }

  #forget(): void {
    const oldest = this.#minute - refusalMinutes
    this.#minutes = this.#minutes.filter(({ number }) => number > oldest)
  }

  get #minute(): number {
    return Math.floor(this.#now() / minuteMs)
  }

  #time(): string {
    return new Date(this.#now()).toISOString()
  }
}
