/** The escaper of HTML and SVG: whatever a name holds, it stays text, and is seen. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { escapeHtml, makeVisible } from '../../src/observe/escape-html.ts'
import { everyName, expectClean } from '../output-safety/fleet.ts'
import { checkProperty } from '../support/property.ts'

const anyText = fc.string({ unit: 'binary', maxLength: 40 })

/** What a browser makes of our entities. */
const unescaped = (html: string): string =>
  html
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&#96;', '`')
    .replaceAll('&amp;', '&')

describe('escapeHtml', () => {
  test.each([
    ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    ['" onload="x', '&quot; onload=&quot;x'],
    ["' onload='x", '&#39; onload=&#39;x'],
    ['&lt;', '&amp;lt;'],
    ['`x`', '&#96;x&#96;'],
    ['a\u001b[31m', 'a\\u001b[31m'],
    ['pump\u202e7', 'pump\\u202e7'],
    ['two\nlines\r\n', 'two\\u000alines\\u000d\\u000a'],
  ])('%j', (text, html) => {
    expect(escapeHtml(text)).toBe(html)
  })

  test('no name of the hostile fleet gets out of its place', () => {
    for (const name of everyName) {
      const html = escapeHtml(name)
      expectClean(html)
      expect(html).not.toMatch(/[<>"'`]|&(?!(?:amp|lt|gt|quot|#39|#96);)/)
      expect(unescaped(html)).toBe(makeVisible(name))
    }
  })

  test('nor does any other text', () => {
    checkProperty(
      'escapeHtml',
      fc.property(anyText, text => {
        const html = escapeHtml(text)
        expect(html).not.toMatch(/[<>"'`\u0000-\u001f\u007f-\u009f]|&(?!(?:amp|lt|gt|quot|#39|#96);)/)
        expect(Buffer.from(html).toString()).toBe(html)
        expect(unescaped(html)).toBe(makeVisible(text))
      }),
    )
  })
})

describe('makeVisible', () => {
  test.each(['pump-7', 'a b', 'Müller', '泵站-7', 'насос', 'مضخة', 'क्षि', 'e\u0301', '\u{1f600}', '${site}', '+/#'])(
    'leaves %j as it is',
    text => {
      expect(makeVisible(text)).toBe(text)
    },
  )

  test.each([
    ['a space that is none', 'a\u00a0b\u3000', 'a\\u00a0b\\u3000'],
    ['fillers that are letters', 'a\u3164\u115f', 'a\\u3164\\u115f'],
    ['a blank of Braille', '\u2800', '\\u2800'],
    ['a soft hyphen', 'pu\u00admp', 'pu\\u00admp'],
    ['tags', 'x\u{e0041}', 'x\\u{e0041}'],
    ['variation selectors', 'x\ufe0f', 'x\\ufe0f'],
    ['private characters', '\ue000', '\\ue000'],
    ['no characters', '\uffff\u{1ffff}', '\\uffff\\u{1ffff}'],
    ['halves of characters', 'x\ud800y', 'x\\ud800y'],
    ['a mark upon nothing', '\u0301a', '\\u0301a'],
    ['a heap of marks', 'z\u0301\u0302\u0303\u0304', 'z\u0301\u0302\\u0303\\u0304'],
  ])('writes out %s', (_, text, shown) => {
    expect(makeVisible(text)).toBe(shown)
  })

  test('is idempotent', () => {
    checkProperty(
      'makeVisible is idempotent',
      fc.property(anyText, text => {
        expect(makeVisible(makeVisible(text))).toBe(makeVisible(text))
      }),
    )
  })
})
