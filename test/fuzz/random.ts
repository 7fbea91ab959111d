/** Numbers that are the same for the same seed, and what to make of them. */
export class Random {
  #state: number

  constructor(seed: number) {
    // xorshift does not leave 0
    this.#state = (seed >>> 0) ^ 0x9e3779b9 || 1
    for (let turn = 0; turn < 8; turn++) this.next()
  }

  next(): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return this.#state >>> 0
  }

  /** From 0 to below `end`. */
  below(end: number): number {
    return this.next() % end
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.next() & 0xff))
  }

  /** One to four small injuries: bits, bytes, lengths, pieces put twice or taken out. */
  injure(bytes: Buffer): Buffer {
    let result = Buffer.from(bytes)
    for (let count = 1 + this.below(4); count > 0 && result.length > 0; count--) {
      const at = this.below(result.length)
      const kind = this.below(6)
      if (kind === 0) result[at] = (result[at] as number) ^ (1 << this.below(8))
      else if (kind === 1) result[at] = this.pick([0, 1, 0x7f, 0x80, 0xff, 0x23, 0x2b, 0x2f])
      else if (kind === 2)
        result = Buffer.concat([result.subarray(0, at), this.bytes(1 + this.below(4)), result.subarray(at)])
      else if (kind === 3) result = Buffer.concat([result.subarray(0, at), result.subarray(at + 1 + this.below(4))])
      else if (kind === 4) result = Buffer.concat([result.subarray(0, at), result])
      else result = result.subarray(0, at)
    }
    return result
  }

  /** The same bytes in pieces. */
  cut(bytes: Buffer): readonly Buffer[] {
    const pieces: Buffer[] = []
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + 1 + this.below(this.pick([1, 4, 64, 4096])))
      pieces.push(Buffer.from(bytes.subarray(at, end)))
      at = end
    }
    return pieces
  }
}
