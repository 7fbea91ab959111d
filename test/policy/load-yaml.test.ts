/** Strict YAML: each trap is one mistake, with its place and with help. A deny that shrinks to nothing is the dangerous case. */
import { describe, expect, it } from 'vitest'
import { loadPolicySet } from '../../src/policy/load.ts'
import { expectMistake, type Mistake, withRules, withTop } from './load-marked.ts'

const traps: readonly Mistake[] = [
  {
    title: 'a comment that eats half a filter',
    files: withRules('deny:\n  - publish: plant/line ¦#1/temp'),
    code: 'policy/comment-trap',
    help: /put the value into quotes/,
  },
  {
    title: 'a comment that eats half a list',
    files: withTop('constants:\n  command: [start, ¦#stop,\n    go]'),
    code: 'policy/comment-trap',
    help: /quotes/,
  },
  {
    title: 'a lone # as filter',
    files: withRules('deny:\n  - ¦subscribe: #'),
    code: 'policy/empty-value',
    help: /"#" in quotes/,
  },
  {
    title: 'a # in front of a filter',
    files: withRules('deny:\n  - ¦subscribe: #/temp'),
    code: 'policy/empty-value',
    help: /"#" in quotes/,
  },
  {
    title: 'a key without a value',
    files: withRules('deny:\n  - ¦publish:\n'),
    code: 'policy/empty-value',
    help: /write a value/,
  },
  {
    title: 'a tilde for nothing',
    files: withRules('deny:\n  - ¦publish: ~'),
    code: 'policy/empty-value',
    help: /write a value/,
  },
  { title: 'the word null', files: withRules('¦deny: null'), code: 'policy/empty-value', help: /write a value/ },
  {
    title: 'a list entry without a value',
    files: withRules('deny:\n  - publish:\n      - a/b\n      -¦'),
    code: 'policy/empty-value',
    help: /write a value/,
  },
  {
    title: 'an empty quoted text',
    files: withRules('deny:\n  - publish: ¦""'),
    code: 'policy/empty-value',
    help: /write a value/,
  },
  {
    title: 'an empty list of filters',
    files: withRules('deny:\n  - publish: ¦[]'),
    code: 'policy/empty-value',
    help: /at least one/,
  },
  {
    title: 'no space after the colon in a list',
    files: withRules('deny:\n  - ¦publish:plant/secret'),
    code: 'policy/missing-space',
    help: 'write `publish: plant/secret`',
  },
  {
    title: 'no space after the colon in braces',
    files: withRules('deny: [{ ¦publish:plant/secret }]'),
    code: 'policy/missing-space',
    help: 'write `publish: plant/secret`',
  },
  {
    title: 'no space after the colon in the next line',
    files: withRules('allow:\n  - publish: plant/x\n    ¦maxQos:1\n    retain: true'),
    code: 'policy/yaml',
    help: /a space after the colon/,
  },
  {
    title: 'an unquoted variable in a list',
    files: withRules('deny:\n  - publish: [plant/x, plant/¦${site}/y]'),
    code: 'policy/quote-needed',
    help: /quotes/,
  },
  {
    title: 'an unquoted variable in braces',
    files: withRules('deny: [ { publish: ¦${site} } ]'),
    code: 'policy/quote-needed',
    help: /"\$\{name\}"/,
  },
  { title: 'a leading *', files: withRules('deny:\n  - publish: ¦*'), code: 'policy/yaml-feature', help: /quotes/ },
  { title: 'an alias', files: withRules('deny:\n  - publish: ¦*temp'), code: 'policy/yaml-feature', help: /quotes/ },
  {
    title: 'an anchor',
    files: withRules('deny:\n  - publish: &t ¦plant/x'),
    code: 'policy/yaml-feature',
    help: /quotes/,
  },
  {
    title: 'an anchor on a list',
    files: withRules('deny: &all\n  ¦- publish: plant/x'),
    code: 'policy/yaml-feature',
    help: /quotes/,
  },
  {
    title: 'a tag',
    files: withRules('deny:\n  - publish: !secret ¦plant/x'),
    code: 'policy/yaml-feature',
    help: /quotes/,
  },
  {
    title: 'a tag that YAML knows',
    files: withRules('deny:\n  - publish: !!str ¦plant/x'),
    code: 'policy/yaml-feature',
    help: /quotes/,
  },
  { title: 'a lone !', files: withRules('deny:\n  - publish: !¦'), code: 'policy/yaml-feature', help: /quotes/ },
  {
    title: 'a leading @',
    files: withRules('deny:\n  - publish: ¦@plant/x'),
    code: 'policy/quote-needed',
    help: /quotes/,
  },
  {
    title: 'a leading %',
    files: withRules('deny:\n  - publish: ¦%plant/x'),
    code: 'policy/quote-needed',
    help: /quotes/,
  },
  {
    title: 'a leading backtick',
    files: withRules('deny:\n  - publish: ¦`plant/x'),
    code: 'policy/quote-needed',
    help: /quotes/,
  },
  {
    title: 'a merge key',
    files: withTop('constants:\n  ¦<<: { a: b }'),
    code: 'policy/yaml-feature',
    help: /write the entries out/,
  },
  {
    title: 'a key that is a list',
    files: withTop('constants:\n  ? ¦[a]\n  : b'),
    code: 'policy/yaml-feature',
    help: /plain name/,
  },
  {
    title: 'a block scalar',
    files: withRules('deny:\n  - publish: ¦|\n      plant/x'),
    code: 'policy/multi-line',
    help: /on the line of its key/,
  },
  {
    title: 'a folded block scalar',
    files: withRules('deny:\n  - publish: ¦>-\n      plant/x'),
    code: 'policy/multi-line',
    help: /on the line of its key/,
  },
  {
    title: 'a plain value over two lines',
    files: withRules('deny:\n  - publish: ¦plant/x\n      /y'),
    code: 'policy/multi-line',
    help: /on one line/,
  },
  {
    title: 'a quoted value over two lines',
    files: withRules('deny:\n  - publish: ¦"plant/x\n      y"'),
    code: 'policy/multi-line',
    help: /on one line/,
  },
  {
    title: 'a key twice',
    files: withRules('deny:\n  - publish: plant/x\n¦deny:\n  - publish: plant/y'),
    code: 'policy/duplicate-key',
    help: /merge/,
  },
  {
    title: 'a second document',
    files: withTop('¦---\nroles: {}'),
    code: 'policy/yaml-feature',
    help: /file of its own/,
  },
  {
    title: 'a directive',
    files: `¦%YAML 1.1\n---\n${withTop('')}`,
    code: 'policy/yaml-feature',
    help: /delete the line/,
  },
  { title: 'a tab', files: withTop('constants:\n¦\tcommand: x'), code: 'policy/yaml', help: /spaces/ },
  {
    title: 'a bracket that is not closed',
    files: withTop('constants:\n  command: [a, b\n¦members: {}'),
    code: 'policy/yaml',
    help: /close the bracket/,
  },
  {
    title: 'a colon in a value',
    files: withRules('deny:\n  - publish: ¦a: b'),
    code: 'policy/yaml',
    help: /indentation|quotes/,
  },
  { title: 'bytes that are no UTF-8', files: withTop('# caf¦\uFFFD'), code: 'policy/not-text', help: /UTF-8/ },
  { title: 'a NUL', files: withRules('deny:\n  - publish: plant/¦\u0000x'), code: 'policy/not-text', help: /UTF-8/ },
  { title: 'text that runs backwards', files: withTop('# ¦\u202Eabc'), code: 'policy/not-text', help: /UTF-8/ },
  { title: 'a huge file', files: `¦# ${'x'.repeat(1_048_576)}\n`, code: 'policy/file-too-large', help: /CSV/ },
  { title: 'a bomb of brackets', files: `¦portcullis: ${'['.repeat(200_000)}`, code: 'policy/yaml', help: /levels/ },
  {
    title: 'an unquoted brace',
    files: withRules('deny:\n  - publish: plant/¦{site}/x'.replace('¦', '')),
    code: 'policy/illegal-filter',
    help: 'did you mean `${site}`?',
  },
  {
    title: 'a * in a filter',
    files: withRules('deny:\n  - publish: ¦plant/*/x'),
    code: 'policy/illegal-filter',
    help: /`\+` for one level or `#`/,
  },
  {
    title: 'no space after the colon in the last line',
    files: withRules('allow:\n  - publish: plant/x\n    ¦maxQos:1'),
    code: 'policy/missing-space',
    help: 'write `maxQos: 1`',
  },
]

describe('strict YAML', () => {
  it.each(traps)('$title', trap => expectMistake(trap))
})

describe('YAML that is fine', () => {
  it.each([
    ['a comment with a space', withRules('deny:\n  - publish: plant/x # fine')],
    ['a comment without one, on a line of its own', withRules('#deny:\ndeny:\n  - publish: plant/x')],
    ['a # within a word', withRules('deny:\n  - publish: "plant/a#b"').replace('a#b', '#')],
    ['a quoted #', withRules('deny:\n  - subscribe: "#"')],
    ['a byte order mark', `\uFEFF${withTop('')}`],
    ['line ends of Windows', withTop('').replaceAll('\n', '\r\n')],
    ['a start of the document', `---\n${withTop('')}`],
    ['an unquoted variable in a block', withRules('deny:\n  - publish: ${site}/x')],
  ])('%s', (_title, text) => {
    expect(loadPolicySet([{ name: 'plant.yaml', text }]).problems).toEqual([])
  })

  it('keeps every scalar as it is written', () => {
    const { set } = loadPolicySet([
      { name: 'plant.yaml', text: withTop('constants: { a: 0042, b: 1e3, c: 12345678901234567890, d: yes, e: 1.0 }') },
    ])
    expect([...(set?.constants.values() ?? [])]).toEqual(['0042', '1e3', '12345678901234567890', 'yes', '1.0'])
  })

  it('takes prototype keys for names like any other', () => {
    const { set, problems } = loadPolicySet([
      { name: 'plant.yaml', text: withTop('constants: { constructor: a, toString: b, hasOwnProperty: c }') },
    ])
    expect(problems).toEqual([])
    expect(set?.constants.get('constructor')).toBe('a')
    expect(loadPolicySet([{ name: 'a.yaml', text: withTop('__proto__: { a: b }') }]).problems[0]?.code).toBe(
      'policy/unknown-key',
    )
  })
})
