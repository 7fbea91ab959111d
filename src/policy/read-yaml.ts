/**
 * Strict YAML: a text in, a tree of Nodes out, every trap reported. The `failsafe` schema keeps each scalar as its
 * source text (the core schema turns `0042` into 42 and rounds long serial numbers). Pure.
 */
import { LineCounter, parseDocument, type YAMLError } from 'yaml'
import type { Where } from '../problem.ts'
import type { Node } from './node.ts'
import type { Report } from './report.ts'
import { closeMark, findYamlTraps, openMark } from './yaml-tokens.ts'
import { YamlTree } from './yaml-tree.ts'

const maxFileBytes = 1_048_576

/** Errors of the parser that the walk over the tree reports in better words. */
function isToldByTree({ code, message }: YAMLError): boolean {
  return (
    code === 'BAD_ALIAS' || code === 'BAD_SCALAR_START' || message.startsWith('Implicit map keys need to be followed')
  )
}

/** The tree of a file, or undefined where it cannot be read at all (reported). An empty file is an empty map. */
export function readYaml(source: string, file: string, report: Report): Node | undefined {
  const text = source.startsWith('\uFEFF') ? source.slice(1) : source
  if (!isReadable(text, file, report)) return undefined
  const traps = findYamlTraps(text)
  const lines = new LineCounter()
  const place = (offset: number): Where => {
    const { line, col } = lines.linePos(Math.min(offset, text.length))
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  try {
    const document = parseDocument(traps.repaired, {
      schema: 'failsafe',
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      merge: false,
      logLevel: 'error',
    })
    for (const offset of traps.directives)
      report.add(
        'policy/yaml-feature',
        'a `%` directive',
        place(offset),
        'delete the line: a policy file is plain YAML',
      )
    for (const offset of traps.braces)
      report.add(
        'policy/quote-needed',
        'an unquoted `${…}` inside `[ ]` or `{ }`',
        place(offset),
        'put the value into quotes: "${name}"',
      )
    const fatal = document.errors.find(error => !isToldByTree(error))
    if (fatal?.code === 'RESOURCE_EXHAUSTION') return tooDeep(file, report)
    if (fatal !== undefined) return tellFatal(fatal, text, place(fatal.pos[0]), report)
    const tree = new YamlTree(traps.repaired, place, report)
    const root = tree.read(document.contents)
    const emptied = new Set(tree.emptyLines)
    for (const offset of traps.comments) {
      const where = place(offset)
      if (!emptied.has(where.line ?? 0))
        report.add(
          'policy/comment-trap',
          'a comment begins here, and cuts off what stands before it',
          where,
          'if `#` belongs to the value, put the value into quotes; if it is a comment, write a space after `#`',
        )
    }
    return root
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return tooDeep(file, report)
  }
}

function tooDeep(file: string, report: Report): undefined {
  report.add(
    'policy/yaml',
    'the file is nested too deeply',
    { file, line: 1, column: 1 },
    'a policy needs a handful of levels',
  )
  return undefined
}

function isReadable(text: string, file: string, report: Report): boolean {
  const bytes = new TextEncoder().encode(text).length
  if (bytes > maxFileBytes) {
    report.add(
      'policy/file-too-large',
      `the file has ${bytes} bytes; the limit is ${maxFileBytes}`,
      { file, line: 1, column: 1 },
      'split the file, or move members into a CSV table',
    )
    return false
  }
  // Control characters, lone surrogates, U+FFFD (which stands where bytes were not UTF-8), noncharacters, bidi controls.
  const at = text.search(
    /(?![\t\n\r])[\p{Cc}\p{Cs}\u{FDD0}-\u{FDEF}\u{FEFF}\u{FFFD}-\u{FFFF}\u{2028}\u{2029}\u{202A}-\u{202E}\u{2066}-\u{2069}]/u,
  )
  if (at < 0) return true
  const before = text.slice(0, at).split('\n')
  const code = (text.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  report.add(
    'policy/not-text',
    `the file holds U+${code}, which is not text`,
    { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 },
    'save the file as UTF-8 without control characters',
  )
  return false
}

function tellFatal(error: YAMLError, text: string, where: Where, report: Report): undefined {
  const message = error.message.replaceAll(openMark, '{').replaceAll(closeMark, '}')
  const sentence = `${message.charAt(0).toLowerCase()}${message.slice(1).split('\n')[0]}`
  const code = error.code === 'MULTIPLE_DOCS' ? 'policy/yaml-feature' : 'policy/yaml'
  report.add(
    code,
    code === 'policy/yaml' ? `not valid YAML: ${sentence}` : 'a second YAML document',
    where,
    helpFor(error, text),
  )
  return undefined
}

function helpFor(error: YAMLError, text: string): string {
  const [line = '', next = ''] = text.slice(text.lastIndexOf('\n', error.pos[0] - 1) + 1).split('\n')
  if (error.code === 'MULTIPLE_DOCS') return 'delete the `---` line, or put the second document into a file of its own'
  if (error.code === 'TAB_AS_INDENT' || /^ *\t/.test(line)) return 'indent with spaces; YAML allows no tabs there'
  if (/^Flow (sequence|map)/.test(error.message)) return 'close the bracket or brace that was opened before'
  if (/^[\s-]*\w+:\S/.test(line) || /^[\s-]*\w+:\S/.test(next)) return 'write a space after the colon of a key'
  if (/[{}*&!@%]/.test(line)) return 'put a value that holds { } * & ! @ or % into quotes'
  return 'the mistake may be on the line before; check indentation, brackets and quotes'
}
