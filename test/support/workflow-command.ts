/**
 * Workflow commands as the runner of GitHub Actions finds them in a line of output, both of its notations: `::name k=v::data` at
 * the beginning of a line, and `##[name]data` anywhere in one. Apart from `src/`.
 */

export interface WorkflowCommand {
  readonly name: string
  readonly properties: Readonly<Record<string, string>>
  readonly data: string
}

const known = new Set([
  'error',
  'warning',
  'notice',
  'debug',
  'group',
  'endgroup',
  'add-mask',
  'stop-commands',
  'set-env',
])

const decoded = (text: string, codes: readonly (readonly [string, string])[]): string =>
  codes.reduce((all, [code, character]) => all.replaceAll(code, character), text)
const ofData = [
  ['%0D', '\r'],
  ['%0A', '\n'],
  ['%25', '%'],
] as const
const ofProperties = [['%3A', ':'], ['%2C', ','], ...ofData] as const

/** The command that a line is to the runner; undefined where it is none. */
export function workflowCommandOf(line: string): WorkflowCommand | undefined {
  const [, first, data = ''] = /^\s*::(.*?)::(.*)$/s.exec(line) ?? []
  const [, old, oldData = ''] = /##\[(.*?)\](.*)$/s.exec(line) ?? []
  return made(first, data) ?? made(old, oldData)
}

function made(info: string | undefined, data: string): WorkflowCommand | undefined {
  const [, name = '', given = ''] = /^([^ ]*)(?: (.*))?$/s.exec(info ?? '') ?? []
  if (!known.has(name)) return undefined
  const pairs = given.split(',').filter(text => text.includes('='))
  const properties = pairs.map(pair => {
    const at = pair.indexOf('=')
    return [pair.slice(0, at), decoded(pair.slice(at + 1), ofProperties)] as const
  })
  return { name, properties: Object.fromEntries(properties), data: decoded(data, ofData) }
}
