/**
 * Slot value: what a variable of a role set stands for in one session, compared with a level where the level lies, in a
 * string or in a packet. Pure.
 */

const slash = 47

/** A value; several; or none, so that rules that use the variable make no filter. */
export type SlotValue = string | ListValue | undefined

/** Where the level that begins at `from` ends, if it is this value; -1 if not. */
export function endOfValue(topic: string, from: number, value: SlotValue): number {
  if (typeof value !== 'string') return value === undefined ? -1 : value.endIn(topic, from)
  const end = from + value.length
  if (end > topic.length || (end < topic.length && topic.charCodeAt(end) !== slash)) return -1
  for (let at = 0; at < value.length; at += 1) {
    if (topic.charCodeAt(from + at) !== value.charCodeAt(at)) return -1
  }
  return end
}

/** The same for valid UTF-8 up to `last`. */
export function endOfValueInBytes(bytes: Uint8Array, from: number, last: number, value: SlotValue): number {
  if (typeof value !== 'string') return value === undefined ? -1 : value.endInBytes(bytes, from, last)
  const end = from + value.length
  for (let at = 0; at < value.length; at += 1) {
    const unit = value.charCodeAt(at)
    if (unit > 0x7f) return endOfUtf8(bytes, from, last, value)
    if (from + at >= last || bytes[from + at] !== unit) return -1
  }
  return end === last || bytes[end] === slash ? end : -1
}

const encoder = new TextEncoder()

function endOfUtf8(bytes: Uint8Array, from: number, last: number, value: string): number {
  const own = encoder.encode(value)
  const end = from + own.length
  if (end > last || (end < last && bytes[end] !== slash)) return -1
  for (const [at, byte] of own.entries()) if (bytes[from + at] !== byte) return -1
  return end
}

/** Whether a level, as a string of its own, is this value. */
export function isValue(value: SlotValue, level: string): boolean {
  return value === level || (typeof value === 'object' && value.has(level))
}

/** The values as a list. */
export function valuesOf(value: SlotValue): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value.values
}

const lists = new WeakMap<readonly string[], ListValue>()

/**
 * What a variable with these values stands for. The lists of a members table are the same arrays for all sessions of a member:
 * each is prepared once.
 * @throws TypeError on a value that would be more than one literal level: such a value must never have come this far.
 */
export function slotValue(values: readonly string[]): SlotValue {
  if (values.length < 2) return values[0] === undefined ? undefined : checked(values[0])
  const known = lists.get(values)
  if (known !== undefined) return known
  const made = new ListValue(values)
  lists.set(values, made)
  return made
}

function checked(value: string): string {
  if (value === '' || value.startsWith('$') || /[/+#\u0000]/.test(value))
    throw new TypeError('an unsafe value reached a filter')
  return value
}

const fewValues = 8

/** Several values of one variable: few are compared one by one, many are found by a hash of the level, where it lies. */
export class ListValue {
  readonly values: readonly string[]
  readonly #set: ReadonlySet<string>
  /** Made when it is needed: of UTF-16 units for strings, of bytes for packets. */
  #unitTable: Int32Array | undefined
  #byteTable: Int32Array | undefined

  constructor(values: readonly string[]) {
    for (const value of values) checked(value)
    this.values = values
    this.#set = new Set(values)
  }

  has(level: string): boolean {
    return this.#set.has(level)
  }

  /** As `endOfValue`. */
  endIn(topic: string, from: number): number {
    const { values } = this
    if (values.length <= fewValues) {
      for (let index = 0; index < values.length; index += 1) {
        const end = endOfValue(topic, from, values[index])
        if (end >= 0) return end
      }
      return -1
    }
    this.#unitTable ??= hashTable(values.map(value => hashUnits(value, 0)))
    const table = this.#unitTable
    for (let at = place(hashUnits(topic, from), table); table[at] !== 0; at = (at + 1) & (table.length - 1)) {
      const end = endOfValue(topic, from, values[(table[at] as number) - 1])
      if (end >= 0) return end
    }
    return -1
  }

  /** As `endOfValueInBytes`. */
  endInBytes(bytes: Uint8Array, from: number, last: number): number {
    const { values } = this
    if (values.length <= fewValues) {
      for (let index = 0; index < values.length; index += 1) {
        const end = endOfValueInBytes(bytes, from, last, values[index])
        if (end >= 0) return end
      }
      return -1
    }
    this.#byteTable ??= hashTable(
      values.map(value => {
        const own = encoder.encode(value)
        return hashBytes(own, 0, own.length)
      }),
    )
    const table = this.#byteTable
    for (let at = place(hashBytes(bytes, from, last), table); table[at] !== 0; at = (at + 1) & (table.length - 1)) {
      const end = endOfValueInBytes(bytes, from, last, values[(table[at] as number) - 1])
      if (end >= 0) return end
    }
    return -1
  }
}

/** FNV-1a of the level that begins at `from`. */
function hashUnits(topic: string, from: number): number {
  let hash = offsetBasis
  for (let at = from; at < topic.length; at += 1) {
    const unit = topic.charCodeAt(at)
    if (unit === slash) break
    hash = Math.imul(hash ^ unit, prime)
  }
  return hash
}

function hashBytes(bytes: Uint8Array, from: number, last: number): number {
  let hash = offsetBasis
  for (let at = from; at < last; at += 1) {
    const byte = bytes[at] as number
    if (byte === slash) break
    hash = Math.imul(hash ^ byte, prime)
  }
  return hash
}

const offsetBasis = 0x811c9dc5 | 0
const prime = 0x01000193

const place = (hash: number, table: Int32Array): number => (hash ^ (hash >>> 15)) & (table.length - 1)

/** Open addressing, at most half full; holds numbers of values from 1 on. */
function hashTable(hashes: readonly number[]): Int32Array {
  const table = new Int32Array(2 ** Math.ceil(Math.log2(hashes.length * 2)))
  for (const [index, hash] of hashes.entries()) {
    let at = place(hash, table)
    while (table[at] !== 0) at = (at + 1) & (table.length - 1)
    table[at] = index + 1
  }
  return table
}
