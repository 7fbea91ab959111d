import { describe, expect, test } from 'vitest'
import { countExpansions, expandFilter, parseFilterTemplate, variablesOf } from '../../src/policy/filter-template.ts'
import type { Problem } from '../../src/problem.ts'
import { must, problemOf } from '../support/policy-set.ts'

const where = { file: 'plant.yaml', line: 7, column: 13 }
const template = (text: string) => must(parseFilterTemplate(text, where))

/** The problem of a text that is no template; it must say where. */
function mistakeOf(text: string): Problem {
  const found = problemOf(parseFilterTemplate(text, where))
  expect(found.where).toEqual(where)
  return found
}

type Given = Readonly<Record<string, readonly string[]>>
const variables = (given: Given): ReadonlyMap<string, readonly string[]> => new Map(Object.entries(given))

/** The filters of a template. There are always as many as were counted. */
function expand(text: string, given: Given = {}): readonly string[] {
  const filters = expandFilter(template(text), variables(given))
  expect(countExpansions(template(text), variables(given))).toBe(filters.length)
  return filters
}

describe('what a template is', () => {
  test('every level is a literal, a wildcard or a variable', () => {
    expect(template('plant/${site}/+/#')).toEqual({
      text: 'plant/${site}/+/#',
      levels: [
        { kind: 'literal', text: 'plant' },
        { kind: 'variable', name: 'site' },
        { kind: 'plus' },
        { kind: 'hash' },
      ],
      where,
    })
  })

  test.each(['a', '/', 'a//b', '$SYS/#', '$', '$site', 'a/$/b', 'a b/\u00e4', '\ud83d\ude00', '$shared/a', 'a/$share'])(
    '%s has literal levels and wildcards only, and stands for itself',
    text => {
      expect(variablesOf(template(text))).toEqual([])
      expect(expand(text)).toEqual([text])
    },
  )

  test.each(['a', 'site', 'siteName', 's1', 'site_name', 'a_', 'share'])('${%s} is a variable', name => {
    expect(template(`\${${name}}`).levels).toEqual([{ kind: 'variable', name }])
  })

  test('a variable that stands twice is one variable, and the order is the order of first use', () => {
    expect(variablesOf(template('${b}/${a}/+/${b}'))).toEqual(['b', 'a'])
  })
})

describe('a variable fills a whole level: policy/partial-variable', () => {
  test.each([
    'pump-${n}',
    '${site}-${n}',
    '${site}x',
    '${site}${n}',
    ' ${site}',
    '${site} ',
    '$${site}',
    '$share${x}',
    '${site}}',
    '{${site}',
    '${',
    '${site',
    '${site}*',
    '${a${b}}',
    '${Site}x',
    '${}${}',
  ])('%s', level => {
    for (const text of [level, `plant/${level}`, `${level}/#`, `+/${level}/state`]) {
      expect(mistakeOf(text)).toEqual({
        code: 'policy/partial-variable',
        sentence: `\`${level}\` mixes a variable with other text: a variable fills a whole level`,
        help: 'give the variable a level of its own, such as `plant/${site}/${device}`',
        where,
      })
    }
  })

  test('a line break does not end a level', () => {
    expect(mistakeOf('${site}\n').code).toBe('policy/partial-variable')
    expect(mistakeOf('a\n${site}').code).toBe('policy/partial-variable')
  })
})

describe('what is no filter: policy/illegal-filter', () => {
  test.each([
    '${site:alnum}', // a kind belongs to the identity, where the value is captured
    '${Site}',
    '${1}',
    '${_a}',
    '${a-b}',
    '${a.b}',
    '${ site }',
    '${site\n}',
    '${}',
    '${s\u0456te}', // a Cyrillic letter
    '${$site}',
  ])('%j has a level of its own, but is no variable', level => {
    for (const text of [level, `plant/${level}`, `${level}/#`, `+/${level}/state`]) {
      const found = mistakeOf(text)
      expect(found.code).toBe('policy/illegal-filter')
      expect(found.sentence).toMatch(/^`\$\{.*\}` is no variable$/)
      expect(found.help).toContain('`${name}`: a lower-case letter')
    }
  })

  test.each([
    ['{device}', '`{device}`', '${device}'],
    ['{{device}}', '`{{device}}`', '${device}'],
    ['$device}', '`$device}`', '${device}'],
    ['{', '`{`', '${device}'],
    ['}', '`}`', '${device}'],
    ['$ {site}', '`$ {site}`', '${site}'],
    // what is proposed would be accepted
    ['{Device}', '`{Device}`', '${device}'],
    ['{siteName}', '`{siteName}`', '${siteName}'],
    ['{_2nd}', '`{_2nd}`', '${nd}'],
    ['{7}', '`{7}`', '${device}'],
  ])('%s holds a brace', (level, quoted, meant) => {
    expect(mistakeOf(`plant/${level}/#`)).toMatchObject({
      code: 'policy/illegal-filter',
      sentence: `the level ${quoted} holds a brace`,
      help: `did you mean \`${meant}\`?`,
    })
    expect(parseFilterTemplate(meant, where).ok).toBe(true)
  })

  test.each(['*', '**', 'pump-*', '*.log'])('%s is no wildcard of MQTT', level => {
    expect(mistakeOf(`plant/${level}`)).toMatchObject({
      code: 'policy/illegal-filter',
      sentence: `the level \`${level}\` holds \`*\`, which MQTT does not know`,
      help: 'write `+` for one level or `#` for all that follow',
    })
  })

  test.each([
    ['a/#/b', '# must be the whole last level'],
    ['#/${site}', '# must be the whole last level'],
    ['a#', '# must be the whole last level'],
    ['${site}#', '# must be the whole last level'],
    ['a+/b', '+ must be a whole level'],
    ['+${site}', '+ must be a whole level'],
    ['${a+b}', '+ must be a whole level'],
  ])('%s has a wildcard in the wrong place', (text, mistake) => {
    expect(mistakeOf(text)).toMatchObject({
      code: 'policy/illegal-filter',
      sentence: `\`${text}\` is no topic filter: ${mistake}`,
      help: 'a wildcard fills a whole level, and `#` stands last',
    })
  })

  test.each(['$share', '$share/', '$share/g/a', '$share/${group}/a', '$share/a#'])('%s is a subscription', text => {
    expect(mistakeOf(text)).toMatchObject({
      code: 'policy/illegal-filter',
      sentence: '`$share/…` is no filter of a rule',
      help: 'write the filter and `share: [group]`',
    })
  })

  test.each([
    ['', 'it is empty'],
    ['a\u0000', 'it holds a NUL'],
    ['${site}/\u0000', 'it holds a NUL'],
    ['\ud800', 'it is not valid UTF-8'],
    ['${site}/\udc00', 'it is not valid UTF-8'],
    ['a'.repeat(65_536), 'it is longer than 65535 bytes'],
    ['\u00e4'.repeat(32_768), 'it is longer than 65535 bytes'],
  ])('%.20j: a text that MQTT knows no filter for (%s)', (text, mistake) => {
    const found = mistakeOf(text)
    expect(found.code).toBe('policy/illegal-filter')
    expect(found.sentence).toMatch(/ is no topic filter$/)
    expect(found.help).toContain(mistake)
  })

  test('a literal template may be as long as a filter', () => {
    expect(parseFilterTemplate('a'.repeat(65_535), where).ok).toBe(true)
  })

  // 64 characters of up to 4 bytes: what loads must not fail in the middle of a log-in
  test('each variable takes 256 bytes of that', () => {
    const longest = variables({ v: ['\u{10437}'.repeat(64)] })
    for (const [text, taken] of [
      ['/${v}', 257],
      ['/${v}/${v}', 514],
    ] as const) {
      const fits = 'a'.repeat(65_535 - taken) + text
      expect(expandFilter(template(fits), longest).map(filter => Buffer.byteLength(filter))).toEqual([65_535])
      const found = mistakeOf(`a${fits}`)
      expect(found.code).toBe('policy/illegal-filter')
      expect(found.sentence).toMatch(/ is too long once its variables have values$/)
    }
  })

  test('of U+0000 to U+00FF, only NUL, # + * { } cannot stand in a literal level', () => {
    const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
    const refused = (around: (character: string) => string): readonly string[] =>
      all.filter(character => !parseFilterTemplate(around(character), where).ok)
    expect(refused(character => `a${character}b`)).toEqual(['\u0000', '#', '*', '+', '{', '}'])
    // alone, two of them are wildcards
    expect(refused(character => character)).toEqual(['\u0000', '*', '{', '}'])
    expect(refused(character => `plant/${character}`)).toEqual(['\u0000', '*', '{', '}'])
  })
})

describe('expansion', () => {
  test('one value, one filter', () => {
    expect(expand('plant/${site}/${device}/#', { site: ['s1'], device: ['pump-7'] })).toEqual(['plant/s1/pump-7/#'])
  })

  test('a list: one filter for each of its values', () => {
    expect(expand('plant/${sites}/+', { sites: ['s1', 's2', 's3'] })).toEqual([
      'plant/s1/+',
      'plant/s2/+',
      'plant/s3/+',
    ])
  })

  test('two lists: one filter for each pair', () => {
    expect(expand('${a}/${b}', { a: ['1', '2'], b: ['x', 'y', 'z'] })).toEqual([
      '1/x',
      '1/y',
      '1/z',
      '2/x',
      '2/y',
      '2/z',
    ])
  })

  test('a variable has one value within one filter, wherever it stands', () => {
    expect(expand('${s}/to/${s}', { s: ['s1', 's2'] })).toEqual(['s1/to/s1', 's2/to/s2'])
  })

  test('an empty list gives nothing, not everything', () => {
    expect(expand('plant/${sites}/#', { sites: [] })).toEqual([])
    expect(expand('${a}/${b}', { a: ['1', '2'], b: [] })).toEqual([])
  })

  test('what a template does not name changes nothing', () => {
    expect(expand('plant/#', { sites: ['s1', 's2'] })).toEqual(['plant/#'])
  })

  test('counting does not expand: a thousand times a thousand, and again', () => {
    const thousand = Array.from({ length: 1000 }, (_, i) => `v${i}`)
    const given = variables({ a: thousand, b: thousand, c: thousand })
    expect(countExpansions(template('${a}/${b}/${c}/${a}'), given)).toBe(1e9)
  })

  test('a variable without a value is a mistake of the program', () => {
    for (const use of [countExpansions, expandFilter])
      expect(() => use(template('plant/${site}'), variables({ device: ['pump-7'] }))).toThrow(
        new TypeError('variable site has no value'),
      )
  })

  test.each(['', '+', '#', 'a/b', '/', 'a+', 'a#', '$SYS', '$share', '$', 'a\u0000'])(
    'the value %j would be more than one literal level, and never becomes a filter',
    value => {
      for (const text of ['${v}', '${v}/a/b', 'a/${v}', 'a/${v}/#']) {
        const given = variables({ v: ['s1', value] })
        expect(() => expandFilter(template(text), given)).toThrow(new TypeError('an unsafe value reached a filter'))
      }
    },
  )

  test('nor does a value that is not UTF-8, or makes the filter too long', () => {
    expect(() => expand('a/${v}', { v: ['\ud800'] })).toThrow(/it is not valid UTF-8$/)
    expect(() => expand('a/${v}', { v: ['x'.repeat(65_534)] })).toThrow(/it is longer than 65535 bytes$/)
  })

  test('of U+0000 to U+00FF, only NUL # + / cannot stand in a value, and $ not first', () => {
    const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
    const refused = (around: (character: string) => string): readonly string[] =>
      all.filter(character => {
        try {
          expect(expandFilter(template('a/${v}/b'), variables({ v: [around(character)] }))).toEqual([
            `a/${around(character)}/b`,
          ])
          return false
        } catch (error) {
          expect(error).toEqual(new TypeError('an unsafe value reached a filter'))
          return true
        }
      })
    expect(refused(character => `x${character}`)).toEqual(['\u0000', '#', '+', '/'])
    expect(refused(character => character)).toEqual(['\u0000', '#', '$', '+', '/'])
  })

  test('a value is put in as it is: what looks like a variable, or like a replacement, is neither', () => {
    const odd = ['x${w}', 'x$1', 'x$&', '{w}', 'w']
    expect(expand('${v}/${w}', { v: odd, w: ['1'] })).toEqual(odd.map(value => `${value}/1`))
  })
})
