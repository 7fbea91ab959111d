/** Waiting for what others tell, and not for ever: whoever waits holds up who waits behind it. */

/** For how long a message waits. */
const longestMs = 10_000

/** As the promise; rejects with that sentence where it takes longer than ten seconds. */
export async function inTime(promise: Promise<void>, sentence: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(sentence)), longestMs).unref()
  })
  await Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
