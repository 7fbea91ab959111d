/** The escapers of workflow commands: whatever a name holds, a line is the one command that it was meant to be. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { escapeGithubMessage, escapeGithubProperty } from '../../src/observe/escape-github.ts'
import { escapeTerminal } from '../../src/observe/escape-terminal.ts'
import { everyName, expectClean, shown } from '../output-safety/fleet.ts'
import { checkProperty } from '../support/property.ts'
import { workflowCommandOf } from '../support/workflow-command.ts'

const line = (name: string): string =>
  `::error file=${escapeGithubProperty(name)},line=1,title=${escapeGithubProperty(name)}::${escapeGithubMessage([name, name])}`

const commands = [
  '::error::x',
  '##[error]x',
  '##[add-mask]a',
  '%0A::error::x',
  'a,line=2::',
  'x::stop-commands::y',
  '100 %25',
  '\n::error::',
]

test.each([
  ['50 %::a,b', '50 %25%3A%3Aa%2Cb', '50 %25::a,b'],
  ['%0A', '%250A', '%250A'],
  ['a\r\n::error::', 'a\\u000d\\u000a%3A%3Aerror%3A%3A', 'a\\u000d\\u000a::error::'],
])('%j', (text, property, message) => {
  expect(escapeGithubProperty(text)).toBe(property)
  expect(escapeGithubMessage([text])).toBe(message)
})

test('no name of the hostile fleet, and no command, gets out of its place', () => {
  for (const name of [...everyName, ...commands]) {
    expectClean(line(name))
    expect(line(name)).not.toContain('\n')
    expect(workflowCommandOf(line(name))).toEqual({
      name: 'error',
      properties: { file: shown(name), line: '1', title: shown(name) },
      data: `${shown(name)}\n${shown(name)}`,
    })
  }
})

test('nor does any other text', () => {
  checkProperty(
    'escapeGithub',
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), text => {
      // what stands first is trimmed by the runner
      const visible = escapeTerminal(text)
      const { properties, data } = workflowCommandOf(line(text)) ?? {}
      expect(properties).toEqual({ ...(visible === '' ? { file: '' } : { file: visible }), line: '1', title: visible })
      expect(data).toBe(`${visible}\n${visible}`)
    }),
  )
})
