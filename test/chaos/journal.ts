/** What happened lately, to explain a finding by. */
const linesAtMost = 20_000
/** Of what happened around a message. */
const aroundAtMost = 30
/** Of what the client did last, whatever it is. */
const lastAtMost = 40

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

  /** What became of a message, and what whoever it went to did in the time around. */
  about(number: number, clientId: string): readonly string[] {
    const isOfMessage = ({ text }: Line): boolean =>
      new RegExp(`\\b(sends|again|acknowledged|gets|of) ${number}\\b`).test(text)
    const isAround = ({ who, text }: Line): boolean =>
      who === 'run' || (who === clientId && /connected|granted|unsubscribes|certificate|waited|says/.test(text))
    const first = this.#lines.findIndex(isOfMessage)
    const from = Math.max(0, first)
    const later = this.#lines.slice(from)
    const around = later.filter(isAround)
    const last = later.filter(({ who }) => who === clientId).slice(-lastAtMost)
    const shown = new Set([...around.slice(0, aroundAtMost), ...around.slice(-aroundAtMost), ...last])
    return later
      .filter(line => isOfMessage(line) || shown.has(line))
      .map(({ atMs, who, text }) => `${(atMs / 1000).toFixed(3)} ${who} ${text}`)
  }
}
