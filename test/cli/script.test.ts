/** The runner of the scripts can fail: a test of it, else a wrong expectation could pass unseen. */
import { expect, test } from 'vitest'
import { fits, parseScript } from './script.ts'

test('reads files, commands, both streams and the exit code', () => {
  const script = parseScript(
    'about\n-- a/b.yaml --\nx: 1\n\ny: 2\n-- commands --\n# remark\n$ portcullis one\nout\n! err\n[exit 3]\n\n$ portcullis two\n',
  )
  expect([...script.files]).toEqual([['a/b.yaml', 'x: 1\n\ny: 2\n']])
  expect(script.steps).toEqual([
    { command: 'portcullis one', line: 8, stdout: ['out'], stderr: ['err'], exit: 3 },
    { command: 'portcullis two', line: 13, stdout: [], stderr: [], exit: 0 },
  ])
})

test('wildcards stand for text within a line, or for any lines', () => {
  expect(fits(['a ... c'], 'a b c\n')).toBe(true)
  expect(fits(['a ... c'], 'a\nb c\n')).toBe(false)
  expect(fits(['a', '...'], 'a\nb\nc\n')).toBe(true)
  expect(fits(['a'], 'a\nb\n')).toBe(false)
  expect(fits([], 'a\n')).toBe(false)
  expect(fits(['(a+)'], '(a+)\n')).toBe(true)
})
