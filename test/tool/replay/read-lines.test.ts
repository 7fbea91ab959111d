/** Lines of a log of any size: cut anywhere, counted always, never held where they are too long. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readLines } from '../../../src/tool/replay/read-lines.ts'
import { checkAsyncProperty } from '../../support/property.ts'

async function* chunked(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

async function linesOf(text: string, size: number, longest?: number): Promise<readonly (string | undefined)[]> {
  const lines: (string | undefined)[] = []
  for await (const { number, text: line } of readLines(chunked(text, size), longest)) {
    lines.push(line)
    expect(number).toBe(lines.length)
  }
  return lines
}

test('wherever it is cut', async () => {
  await checkAsyncProperty(
    'readLines gives the lines, wherever it is cut',
    fc.asyncProperty(
      fc.array(fc.constantFrom('a', 'ä🚰', '', 'bb'), { minLength: 1 }),
      fc.integer({ min: 1, max: 9 }),
      async (lines, size) => {
        expect(await linesOf(`${lines.join('\n')}\n`, size)).toEqual(lines)
      },
    ),
  )
})

test('CRLF, and a last line without its end', async () => {
  expect(await linesOf('a\r\nb', 2)).toEqual(['a', 'b'])
  expect(await linesOf('', 2)).toEqual([])
})

test('one that is too long is counted, and the next is whole', async () => {
  for (const size of [1, 3, 64]) {
    expect(await linesOf('12345\n123456\n12\n1234567', size, 5)).toEqual(['12345', undefined, '12', undefined])
  }
})
