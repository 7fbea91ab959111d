/** Report: where the loader writes down every mistake it finds, so that one run tells all of them. Pure. */
import { formatProblem, type Problem, type ProblemCode, problem, type Where } from '../problem.ts'

/** Sections of a policy file. */
export type Section = 'constants' | 'identities' | 'roles' | 'members' | 'settings'

/** What can be unread: a section, or the columns of a table. Then its names are unknown rather than undefined. */
export type Unread = Section | 'columns'

export class Report {
  readonly #problems = new Map<string, Problem>()
  readonly #unread = new Set<Unread>()

  add(code: ProblemCode, sentence: string, where: Where, help?: string): void {
    this.take(problem(code, sentence, { where, help }))
  }

  /** Takes over a problem that another module found; `where` and `help` fill what it left open. */
  take(found: Problem, where?: Where, help?: string): void {
    const advice = found.help ?? help
    const whole = problem(found.code, printable(found.sentence), {
      where: found.where ?? where,
      help: advice === undefined ? undefined : printable(advice),
    })
    const key = formatProblem(whole)
    if (!this.#problems.has(key)) this.#problems.set(key, whole)
  }

  /** Says that names of this section may be missing, so that nobody reports them as undefined. */
  unread(...sections: readonly Unread[]): void {
    for (const section of sections) this.#unread.add(section)
    if (this.#unread.has('members')) this.#unread.add('columns')
  }

  isUnread(section: Unread): boolean {
    return this.#unread.has(section)
  }

  get size(): number {
    return this.#problems.size
  }

  /** Every problem, by file, line and column. */
  sorted(): readonly Problem[] {
    return [...this.#problems.values()].sort(
      (a, b) =>
        compareText(a.where?.file ?? '', b.where?.file ?? '') ||
        (a.where?.line ?? 0) - (b.where?.line ?? 0) ||
        (a.where?.column ?? 0) - (b.where?.column ?? 0),
    )
  }
}

/** Problems quote what a file says, and a quoted YAML text can say anything: nothing of it may steer a terminal. */
function printable(sentence: string): string {
  return sentence.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    found => `\\u${(found.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
