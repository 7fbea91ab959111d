/** Runs something at a point in time, however far away; a timer of Node ends after 25 days. */
const longestWaitMs = 86_400_000

/** `now` and `timeMs` are milliseconds since 1970. Returns how to call it off. Keeps no process alive. */
export function atTime(timeMs: number, now: () => number, run: () => void): () => void {
  let timer: NodeJS.Timeout
  const wait = (): void => {
    const left = timeMs - now()
    timer = left <= 0 ? setTimeout(run, 0) : setTimeout(wait, Math.min(left, longestWaitMs))
    timer.unref()
  }
  wait()
  return () => clearTimeout(timer)
}
