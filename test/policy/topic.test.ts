import { describe, expect, test } from 'vitest'
import { parseTopicFilter, parseTopicName, wildcardMistake } from '../../src/policy/topic.ts'
import { must, problemOf } from '../support/policy-set.ts'

const nameMistake = (text: string): string => sentenceOf(text, 'name')
const filterMistake = (text: string): string => sentenceOf(text, 'filter')

/** What a problem says after `is no topic name: `; its code must be the one of its kind. */
function sentenceOf(text: string, kind: 'name' | 'filter'): string {
  const { code, sentence } = problemOf<string>(kind === 'name' ? parseTopicName(text) : parseTopicFilter(text))
  expect(code).toBe(kind === 'name' ? 'decide/illegal-topic' : 'decide/illegal-filter')
  return sentence.replace(/^.* is no topic (?:name|filter): /s, '')
}

const latin1 = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
const refusedOf = (parse: (text: string) => { readonly ok: boolean }, texts: readonly string[]): readonly string[] =>
  texts.filter(text => !parse(text).ok)

describe('characters', () => {
  test('of U+0000 to U+00FF only NUL, + and # are no topic name', () => {
    expect(refusedOf(parseTopicName, latin1)).toEqual(['\u0000', '#', '+'])
  })

  test('nor may a longer name hold them', () => {
    const texts = latin1.map(character => `a${character}b`)
    expect(refusedOf(parseTopicName, texts)).toEqual(['a\u0000b', 'a#b', 'a+b'])
  })

  test('of U+0000 to U+00FF only NUL is no topic filter: + and # are wildcards there', () => {
    expect(refusedOf(parseTopicFilter, latin1)).toEqual(['\u0000'])
  })

  test('a name and a filter come out as they went in: nothing is trimmed, folded or normalised', () => {
    for (const text of ['A/a', ' a / b ', 'a\u0308', '\u00e4', '\ufeffa', 'a\u202eb', 'a\u200bb', 'a\r\nb', '${a}']) {
      expect(must(parseTopicName(text))).toBe(text)
      expect(must(parseTopicFilter(text))).toBe(text)
    }
  })

  test('half a surrogate pair is not UTF-8, wherever it stands', () => {
    const halves = ['\ud800', '\udbff', '\udc00', '\udfff', 'a\ud83d', '\ude00a', '\ude00\ud83d', '\ud83d\ud83d\ude00']
    for (const text of halves) {
      expect(nameMistake(text)).toBe('it is not valid UTF-8')
      expect(filterMistake(text)).toBe('it is not valid UTF-8')
    }
  })

  test('of all other characters of the basic plane none is refused: NUL, wildcards and halves are all there is', () => {
    const refused = (parse: (text: string) => { readonly ok: boolean }): readonly number[] =>
      Array.from({ length: 0x10000 }, (_, code) => code).filter(code => !parse(`a${String.fromCharCode(code)}`).ok)
    const halves = Array.from({ length: 0x800 }, (_, offset) => 0xd800 + offset)
    expect(refused(parseTopicName)).toEqual([0, 0x23, 0x2b, ...halves])
    expect(refused(parseTopicFilter)).toEqual([0, 0x23, 0x2b, ...halves])
    // controls, U+FEFF, U+FFFE and U+FFFF are permitted (3.1.1 §1.5.3: SHOULD NOT) and kept
    for (const text of ['\u0001', '\u007f', '\u009f', '\ufdd0', '\ufeff', '\ufffd', '\ufffe', '\uffff'])
      expect(must(parseTopicName(text))).toBe(text)
  })

  test('a whole pair is one character of a name', () => {
    for (const text of ['\ud83d\ude00', '\ud800\udc00', '\udbff\udfff', 'a/\ud83d\ude00\ud83d\ude00/b'])
      expect(must(parseTopicName(text))).toBe(text)
  })

  test('what is wrong is told, and a hostile text is escaped and cut', () => {
    expect(problemOf(parseTopicName('a\u0000b')).sentence).toBe('`a\\u0000b` is no topic name: it holds a NUL')
    expect(problemOf(parseTopicName('a/#')).sentence).toBe('`a/#` is no topic name: it holds a wildcard')
    expect(problemOf(parseTopicFilter('a\u0000')).sentence).toBe('`a\\u0000` is no topic filter: it holds a NUL')
    expect(problemOf(parseTopicName(`\u202e${'x'.repeat(300)}+`)).sentence).toBe(
      `\`\\u202e${'x'.repeat(199)}…\` is no topic name: it holds a wildcard`,
    )
  })
})

describe('length', () => {
  const limit = 65_535

  test('an empty text is neither name nor filter', () => {
    expect(nameMistake('')).toBe('it is empty')
    expect(filterMistake('')).toBe('it is empty')
  })

  // a character, its bytes in UTF-8, and how many of it fit
  test.each([
    ['a', 1, 65_535],
    ['\u007f', 1, 65_535],
    ['\u0080', 2, 32_767],
    ['\u07ff', 2, 32_767],
    ['\u0800', 3, 21_845],
    ['\uffff', 3, 21_845],
    ['\u{10000}', 4, 16_383],
    ['\u{10ffff}', 4, 16_383],
  ])('%j takes %i bytes: %i of it fit, one more does not', (character, bytes, most) => {
    expect(Buffer.byteLength(character)).toBe(bytes)
    const longest = character.repeat(most)
    for (const parse of [parseTopicName, parseTopicFilter]) {
      expect(parse(longest).ok).toBe(true)
      // filled up to the very last byte
      expect(parse(longest + 'x'.repeat(limit - most * bytes)).ok).toBe(true)
      expect(parse(`${longest}${'x'.repeat(limit - most * bytes)}x`).ok).toBe(false)
    }
    expect(nameMistake(longest + character)).toBe('it is longer than 65535 bytes')
    expect(filterMistake(longest + character)).toBe('it is longer than 65535 bytes')
  })

  test('bytes count, whatever they are cut into: slashes and wildcards too', () => {
    expect(parseTopicName('/'.repeat(limit)).ok).toBe(true)
    expect(nameMistake('/'.repeat(limit + 1))).toBe('it is longer than 65535 bytes')
    expect(parseTopicFilter('+/'.repeat(limit >> 1)).ok).toBe(true)
    expect(filterMistake(`${'+/'.repeat(limit >> 1)}+/`)).toBe('it is longer than 65535 bytes')
  })
})

describe('levels', () => {
  test.each(['/', '//', '/a', 'a/', 'a//b', '///a///'])('%s has empty levels, which are levels', text => {
    expect(must(parseTopicName(text))).toBe(text)
    expect(must(parseTopicFilter(text))).toBe(text)
  })

  test.each(['$SYS', '$SYS/broker/uptime', '$', '$/a', 'a/$SYS', '$shared/a'])(
    '%s is a name and a filter: who may use it is for the rules',
    text => {
      expect(must(parseTopicName(text))).toBe(text)
      expect(must(parseTopicFilter(text))).toBe(text)
    },
  )

  test.each(['+', '#', '/+', '+/', '/#', 'a/+/b', 'a/+/#', '+/+/+', '+/#', '$SYS/#', '//#'])(
    '%s is a filter and no name',
    text => {
      expect(must(parseTopicFilter(text))).toBe(text)
      expect(nameMistake(text)).toBe('it holds a wildcard')
    },
  )

  test.each([
    ['a+', '+ must be a whole level'],
    ['+a', '+ must be a whole level'],
    ['++', '+ must be a whole level'],
    ['a/b+/c', '+ must be a whole level'],
    ['a/+ /c', '+ must be a whole level'],
    ['a#', '# must be the whole last level'],
    ['#a', '# must be the whole last level'],
    ['##', '# must be the whole last level'],
    ['#/', '# must be the whole last level'],
    ['#/a', '# must be the whole last level'],
    ['a/#/b', '# must be the whole last level'],
    ['#/#', '# must be the whole last level'],
    ['+#', '# must be the whole last level'],
    ['a/b#', '# must be the whole last level'],
    ['a/#+', '# must be the whole last level'],
  ])('%s is no filter: %s', (text, mistake) => {
    expect(filterMistake(text)).toBe(mistake)
    expect(wildcardMistake(text.split('/'))).toBe(mistake)
    expect(nameMistake(text)).toBe('it holds a wildcard')
  })

  test('levels without a mistake have none', () => {
    for (const levels of [[''], ['a', '+', '#'], ['+'], ['#'], ['', '+', '']])
      expect(wildcardMistake(levels)).toBeUndefined()
  })
})

describe('shared subscriptions', () => {
  test.each([
    '$share',
    '$share/',
    '$share/g',
    '$share/g/a',
    '$share/g/#',
    '$share//a',
    '$share/+/a',
    '$share/g/a\u0000',
  ])('%j is refused as a filter, whatever follows', text => {
    expect(problemOf(parseTopicFilter(text))).toEqual({
      code: 'decide/shared-subscription',
      sentence: 'shared subscriptions are not available on this broker',
      help: 'subscribe without $share/GROUP/',
    })
  })

  test.each(['$SHARE/g/a', '$sharea', '$share2/g/a', 'a/$share/g', '/$share/g/a', ' $share/g/a'])(
    '%s is none: it is a filter like others',
    text => {
      expect(must(parseTopicFilter(text))).toBe(text)
    },
  )

  test('a message may be published to such a name: it means nothing there', () => {
    expect(must(parseTopicName('$share/g/a'))).toBe('$share/g/a')
  })
})
