/** Clock: monotonic time, and a wake-up that keeps no process alive. Passed in, so that tests own it. */
export interface Clock {
  /** Milliseconds; never goes back. */
  readonly now: () => number
  /** Calls back once after that many milliseconds; gives what cancels it. */
  readonly after: (ms: number, wake: () => void) => () => void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, wake) => {
    const timer = setTimeout(wake, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
