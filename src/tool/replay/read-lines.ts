/** Lines of a text of any size, one after the other in flat memory. */

/** A line, counted from 1; without its text where it is too long to be held. */
export interface Line {
  readonly number: number
  readonly text: string | undefined
}

/** More than any line of a decision log has. */
export const longestLine = 4_194_304
const newline = 0x0a

/** @example for await (const { number, text } of readLines(createReadStream('decisions.log'))) … */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  longest: number = longestLine,
): AsyncGenerator<Line> {
  let number = 0
  let held: Uint8Array[] = []
  let bytes = 0
  const end = (last: Uint8Array): Line => {
    number += 1
    const line = bytes + last.length > longest ? undefined : Buffer.concat([...held, last]).toString('utf8')
    held = []
    bytes = 0
    return { number, text: line?.replace(/\r$/, '') }
  }
  for await (const chunk of chunks) {
    let from = 0
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      yield end(chunk.subarray(from, at))
      from = at + 1
    }
    const rest = chunk.subarray(from)
    bytes += rest.length
    // what is too long already is only counted
    if (bytes > longest) held = []
    else if (rest.length > 0) held.push(rest)
  }
  if (bytes > 0) yield end(new Uint8Array())
}
