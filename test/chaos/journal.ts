/** What happened lately, to explain a finding by. */
const linesAtMost = 20_000

interface Line {
  readonly atMs: number
  readonly who: string
  readonly text: string
}

export class Journal {
  readonly #lines: Line[] = []

  note(who: string, text: string): void {
    this.#lines.push({ atMs: performance.now(), who, text })
    if (this.#lines.length > linesAtMost) this.#lines.splice(0, linesAtMost / 2)
  }

  /** The last lines about a message, and about connections of whoever it went to. */
  about(number: number, clientId: string): readonly string[] {
    const isAbout = ({ who, text }: Line): boolean =>
      new RegExp(`\\b(sends|again|acknowledged|gets|of) ${number}\\b`).test(text) ||
      (who === clientId && /connected|granted|unsubscribes|certificate/.test(text)) ||
      who === 'run'
    return this.#lines
      .filter(isAbout)
      .slice(-40)
      .map(({ atMs, who, text }) => `${(atMs / 1000).toFixed(3)} ${who} ${text}`)
  }
}
