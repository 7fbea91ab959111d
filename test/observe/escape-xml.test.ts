/** The escaper of XML: whatever a name holds, the document stays well-formed and the name is seen. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { escapeXml } from '../../src/observe/escape-xml.ts'
import { everyName, expectClean, shown } from '../output-safety/fleet.ts'
import { checkProperty } from '../support/property.ts'
import { parseXml } from '../support/xml.ts'

const read = (text: string) => parseXml(`<a b="${escapeXml(text)}">${escapeXml(text)}</a>`)

test.each([
  [']]>', ']]&gt;'],
  ['<![CDATA[x', '&lt;![CDATA[x'],
  ['&#0;', '&amp;#0;'],
  ['"\'', '&quot;&apos;'],
  ['a\u0000\u001b\ufffe', 'a\\u0000\\u001b\\ufffe'],
  ['two\r\nlines\t', 'two\\u000d\\u000alines\\u0009'],
  ['pump\u202e7', 'pump\\u202e7'],
  ['\ud800', '\\ud800'],
  ['Müller 泵 \u{1f600}', 'Müller 泵 \u{1f600}'],
])('%j', (text, xml) => {
  expect(escapeXml(text)).toBe(xml)
})

test('no name of the hostile fleet gets out of its place', () => {
  for (const name of everyName) {
    expectClean(escapeXml(name))
    expect(read(name)).toEqual({ name: 'a', attributes: { b: shown(name) }, children: [], text: shown(name) })
  }
})

test('nor does any other text', () => {
  checkProperty(
    'escapeXml',
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), text => {
      const { attributes, children, text: inside } = read(text)
      expect(children).toEqual([])
      expect(attributes.b).toBe(inside)
    }),
  )
})

test('the reader of the tests finds what is not well-formed', () => {
  for (const bad of [
    '<a>',
    '<a></b>',
    '<a b="<"/>',
    '<a>&x;</a>',
    '<a>]]></a>',
    '<a>\u001b</a>',
    '<a b="1" b="2"/>',
    '<a/><a/>',
  ])
    expect(() => parseXml(bad)).toThrow()
})
