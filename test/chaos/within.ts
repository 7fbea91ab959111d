/** Waits, but not for ever. Rejects with what did not happen. */
export async function within<T>(promise: Promise<T>, ms: number, what: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms / 1000} s: ${what()}`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
