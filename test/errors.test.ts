/** The registry of codes, its page, the code that uses it and the tests that assert it stay in step. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { renderErrors } from '../scripts/render-errors.mjs'
import { problemCodes } from '../src/problem-codes.ts'
import { filesOf, root } from './support/files.ts'

const codes = Object.keys(problemCodes)
const page = readFileSync(new URL('docs/errors.md', root), 'utf8')

/** Comments prove nothing: a line that begins as one is left out. */
const withoutComments = (text: string): string =>
  text
    .split('\n')
    .filter(line => !/^\s*(?:\/\/|\/?\*)/.test(line))
    .join('\n')

function textOf(folder: string, except: readonly string[]): string {
  return filesOf(folder)
    .filter(file => !except.includes(file))
    .map(file => withoutComments(readFileSync(new URL(file, root), 'utf8')))
    .join('\n')
}

/** Also inside a longer expected text, such as `plant.yaml:3:1: policy/unknown-key: …`; never as part of a path. */
function stands(code: string, text: string): boolean {
  return new RegExp(`(?<![\\w/.-])${code}(?![\\w/-]|\\.[tj]s)`).test(text)
}

describe('docs/errors.md', () => {
  const rowOf = (line: string): string | undefined => /^\| `([a-z]+\/[a-z0-9-]+)` \|/.exec(line)?.[1]
  const listed = page.split('\n').flatMap(line => rowOf(line) ?? [])

  test('lists every code of the registry', () => {
    expect(codes.filter(code => !listed.includes(code))).toEqual([])
  })

  test('lists no code that the registry does not have, and none twice', () => {
    expect(listed.filter((code, index) => !codes.includes(code) || listed.indexOf(code) !== index)).toEqual([])
  })

  test('is what `npm run docs:errors` writes', () => {
    expect(page).toBe(renderErrors(problemCodes))
  })
})

describe('every code', () => {
  test('is family/kebab-case, with a sentence for its meaning and one for the next step', () => {
    const isSentence = (text: string): boolean => /^[A-Za-z`].*[.]$/.test(text) && !text.includes('\n')
    const odd = Object.entries(problemCodes).filter(
      ([code, { meaning, next }]) =>
        !/^[a-z]+\/[a-z0-9]+(?:-[a-z0-9]+)*$/.test(code) || !isSentence(meaning) || !isSentence(next),
    )
    expect(odd).toEqual([])
  })

  test('is used in src/', () => {
    const source = textOf('src', ['src/problem-codes.ts'])
    expect(codes.filter(code => !new RegExp(`['"\`]${code}['"\`]`).test(source))).toEqual([])
  })

  test('is asserted in test/', () => {
    const tests = textOf('test', ['test/errors.test.ts'])
    expect(codes.filter(code => !stands(code, tests))).toEqual([])
  })
})
