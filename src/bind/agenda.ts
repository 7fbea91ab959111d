/**
 * Agenda: what is to be done at some points in time, however far away, with one timer for all of it: a gate has an entry for the end
 * of every certificate. A binary heap, the next one first.
 */

/** A timer of Node ends after 25 days; and a clock may be set while it waits. */
const longestWaitMs = 86_400_000

/**
 * @example
 * const ends = new Agenda<Session>(Date.now, session => session.judgeAgain())
 * ends.add(session, notAfter + 1)
 */
export class Agenda<T> {
  readonly #now: () => number
  readonly #act: (what: T) => void
  readonly #heap: T[] = []
  /** Of what stands at the same place of the heap, milliseconds since 1970. */
  readonly #times: number[] = []
  readonly #places = new Map<T, number>()
  #timer: NodeJS.Timeout | undefined
  /** What the timer is set for; undefined where it is not. */
  #setFor: number | undefined
  #isLooking = false

  /** `now`: milliseconds since 1970. It is asked again whenever a wait is over. */
  constructor(now: () => number, act: (what: T) => void) {
    this.#now = now
    this.#act = act
  }

  get size(): number {
    return this.#heap.length
  }

  /**
   * Notes something once, for `timeMs` since 1970, or for very soon where that has passed; what was noted for it before is called
   * off. Keeps no process alive.
   * @throws RangeError where the time is no number, which would stand before all others and never come
   */
  add(what: T, timeMs: number): void {
    if (Number.isNaN(timeMs)) throw new RangeError('a point in time must be a number')
    this.delete(what)
    this.#rise(what, timeMs, this.#heap.length)
    this.#wait()
  }

  /** Calls it off. */
  delete(what: T): void {
    const place = this.#places.get(what)
    if (place === undefined) return
    this.#take(place)
    this.#wait()
  }

  /** Sets the timer for the next one, where it is not. */
  #wait(): void {
    const next = this.#times[0]
    if (this.#isLooking || next === this.#setFor) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#setFor = next
    if (next === undefined) return
    const left = Math.min(Math.max(next - this.#now(), 0), longestWaitMs)
    this.#timer = setTimeout(() => this.#look(), left).unref()
  }

  /** Does what is due. What one of them throws is not the fault of those behind it: they come next. */
  #look(): void {
    const now = this.#now()
    this.#setFor = undefined
    this.#isLooking = true
    try {
      while ((this.#times[0] ?? Number.POSITIVE_INFINITY) <= now) this.#act(this.#take(0))
    } finally {
      this.#isLooking = false
      this.#wait()
    }
  }

  #take(place: number): T {
    const what = this.#heap[place] as T
    this.#places.delete(what)
    const [last, lastTime] = [this.#heap.pop() as T, this.#times.pop() as number]
    const size = this.#heap.length
    if (place === size) return what
    // what was last fills the gap, and may belong above it or below it
    if (place > 0 && lastTime < (this.#times[(place - 1) >> 1] as number)) this.#rise(last, lastTime, place)
    else this.#sink(last, lastTime, place)
    return what
  }

  #rise(what: T, timeMs: number, from: number): void {
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      if ((this.#times[above] as number) <= timeMs) break
      this.#put(this.#heap[above] as T, this.#times[above] as number, place)
      place = above
    }
    this.#put(what, timeMs, place)
  }

  #sink(what: T, timeMs: number, from: number): void {
    let place = from
    for (;;) {
      let below = 2 * place + 1
      if ((this.#times[below + 1] ?? Number.POSITIVE_INFINITY) < (this.#times[below] ?? 0)) below++
      if ((this.#times[below] ?? Number.POSITIVE_INFINITY) >= timeMs) break
      this.#put(this.#heap[below] as T, this.#times[below] as number, place)
      place = below
    }
    this.#put(what, timeMs, place)
  }

  #put(what: T, timeMs: number, place: number): void {
    this.#heap[place] = what
    this.#times[place] = timeMs
    this.#places.set(what, place)
  }
}
