/** LineReader: bytes in, whole lines out, none longer than it may be. */
export class LineReader {
  readonly #longest: number
  #parts: Buffer[] = []
  #length = 0

  /** `longest`: bytes of one line, its end not counted. */
  constructor(longest: number) {
    this.#longest = longest
  }

  /** The lines that are whole now; `too-long` where one is not and never will be. */
  take(chunk: Buffer): readonly string[] | 'too-long' {
    const lines: string[] = []
    let rest = chunk
    for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
      if (this.#length + end > this.#longest) return 'too-long'
      lines.push(Buffer.concat([...this.#parts, rest.subarray(0, end)]).toString('utf8'))
      this.#parts = []
      this.#length = 0
      rest = rest.subarray(end + 1)
    }
    this.#length += rest.length
    if (this.#length > this.#longest) return 'too-long'
    if (rest.length > 0) this.#parts.push(rest)
    return lines
  }

  /** Whether a line has begun and not ended. */
  get isWithin(): boolean {
    return this.#length > 0
  }
}
