/** Going through many sessions without stopping the event loop for the others. */
import { setImmediate } from 'node:timers/promises'

/** How long one goes on before others have their turn. */
const sliceMs = 3

/**
 * Does something with each, in order; the first slice at once.
 * @example await inSlices(sessions, session => session.keepUp())
 */
export async function inSlices<T>(all: readonly T[], act: (one: T) => void): Promise<void> {
  let endsAt = performance.now() + sliceMs
  for (const one of all) {
    if (performance.now() > endsAt) {
      await setImmediate()
      endsAt = performance.now() + sliceMs
    }
    act(one)
  }
}
