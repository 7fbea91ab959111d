/**
 * The walk from the parser's tree to Nodes. It looks at every node, because the parser alone stays silent on some
 * anchors, aliases, tags, merge keys, empty values and values over several lines. Pure.
 */
import { isAlias, isMap, isScalar, isSeq, type Pair, Scalar, type YAMLMap, type YAMLSeq } from 'yaml'
import type { Where } from '../problem.ts'
import type { BrokenNode, Entry, Node, Text } from './node.ts'
import type { Report } from './report.ts'
import { openMark } from './yaml-tokens.ts'

interface Ranged {
  readonly range?: readonly [number, number, number] | null | undefined
}

const quoteHelp =
  'put the value into quotes if it begins with this character; each value is written out where it is used'

export class YamlTree {
  /** Lines of values that are empty: a `#` behind them is told once. */
  readonly emptyLines: number[] = []
  readonly #text: string
  readonly #place: (offset: number) => Where
  readonly #report: Report

  constructor(text: string, place: (offset: number) => Where, report: Report) {
    this.#text = text
    this.#place = place
    this.#report = report
  }

  /** The Node of a whole document. */
  read(contents: unknown): Node {
    if (contents === null) return { kind: 'map', entries: [], where: this.#place(0) }
    return this.#node(contents, this.#where(contents as Ranged), 'the file')
  }

  #node(node: unknown, fallback: Where, what: string): Node {
    if (node === null || node === undefined) return this.#empty(fallback, what)
    const where = this.#where(node as Ranged, fallback)
    if (isAlias(node))
      return this.#broken('policy/yaml-feature', `\`*${node.source}\` is a YAML alias`, where, quoteHelp)
    if (isScalar(node)) return this.#scalar(node, where, fallback, what)
    if (isMap(node)) return this.#map(node, this.#decorated(node, where))
    if (isSeq(node)) return this.#list(node, this.#decorated(node, where))
    return this.#broken('policy/yaml', 'not a text, a list or a map', where, 'write plain YAML')
  }

  /** Tells anchors and tags; says where the node is. */
  #decorated(node: { anchor?: string | undefined; tag?: string | undefined }, where: Where): Where {
    if (node.anchor !== undefined)
      this.#report.add('policy/yaml-feature', `\`&${node.anchor}\` is a YAML anchor`, where, quoteHelp)
    if (node.tag !== undefined)
      this.#report.add('policy/yaml-feature', `\`${shortTag(node.tag)}\` is a YAML tag`, where, quoteHelp)
    return where
  }

  #scalar(node: Scalar, where: Where, fallback: Where, what: string): Node {
    const text = typeof node.value === 'string' ? node.value : (node.source ?? '')
    const plain = node.type === Scalar.PLAIN
    if (node.anchor !== undefined || node.tag !== undefined) {
      this.#decorated(node, where)
      return { kind: 'broken', where }
    }
    if (node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED) {
      return this.#broken(
        'policy/multi-line',
        'a block scalar (`|` or `>`), which adds a line end to the value',
        where,
        'write the value on the line of its key',
      )
    }
    if (text === '' && plain) return this.#empty(fallback, what)
    if (plain && /^(~|null|Null|NULL)$/.test(text)) return this.#empty(fallback, what)
    if (this.#text.slice(node.range?.[0] ?? 0, node.range?.[1] ?? 0).includes('\n')) {
      return this.#broken(
        'policy/multi-line',
        'a value over several lines',
        where,
        'write it on one line; if the next line is a key, put a space after its colon',
      )
    }
    if (text.includes(openMark)) return { kind: 'broken', where } // told with the tokens
    if (plain && /^[@`%]/.test(text)) {
      return this.#broken(
        'policy/quote-needed',
        `an unquoted value that begins with \`${text[0]}\``,
        where,
        'put the value into quotes',
      )
    }
    return { kind: 'text', text, where }
  }

  #list(node: YAMLSeq, where: Where): Node {
    return { kind: 'list', where, items: node.items.map(item => this.#item(item, where)) }
  }

  #item(item: unknown, list: Where): Node {
    return this.#node(item, isScalar(item) ? this.#where(item, list) : list, 'a list entry')
  }

  #map(node: YAMLMap, where: Where): Node {
    const entries: Entry[] = []
    const seen = new Map<string, Where>()
    for (const pair of node.items as Pair[]) {
      const key = this.#key(pair.key, where)
      if (key === undefined) continue
      const first = seen.get(key.text)
      if (first !== undefined) {
        this.#report.add(
          'policy/duplicate-key',
          `the key \`${key.text}\` stands twice in one map, first in line ${first.line}`,
          key.where,
          'merge the two entries into one',
        )
      }
      seen.set(key.text, key.where)
      const entry = this.#glued(pair.value, key) ?? { key, value: this.#node(pair.value, key.where, `\`${key.text}\``) }
      if (first === undefined) entries.push(entry)
    }
    return { kind: 'map', entries, where }
  }

  /** `{ publish:x }` is a key `publish:x` without a value. */
  #glued(value: unknown, key: Text): Entry | undefined {
    const [, name, rest] = /^(\w+):(\S.*)$/.exec(key.text) ?? []
    if (value !== null || name === undefined) return undefined
    const broken = this.#broken(
      'policy/missing-space',
      `no space after the colon in \`${key.text}\``,
      key.where,
      `write \`${name}: ${rest}\``,
    )
    return { key: { text: name, where: key.where }, value: broken }
  }

  #key(node: unknown, fallback: Where): Text | undefined {
    const read = this.#node(node, fallback, 'a key')
    if (read.kind === 'broken') return undefined
    if (read.kind !== 'text') {
      this.#report.add(
        'policy/yaml-feature',
        'a key that is itself a list or a map',
        read.where,
        'write a plain name before the colon',
      )
      return undefined
    }
    if (read.text !== '<<') return read
    this.#report.add('policy/yaml-feature', '`<<` is a YAML merge key', read.where, 'write the entries out')
    return undefined
  }

  #empty(where: Where, what: string): BrokenNode {
    if (where.line !== undefined) this.emptyLines.push(where.line)
    return this.#broken(
      'policy/empty-value',
      `${what} has no value`,
      where,
      'write a value; a lone `#` begins a comment, so the filter for everything is "#" in quotes',
    )
  }

  #broken(code: Parameters<Report['add']>[0], sentence: string, where: Where, help: string): BrokenNode {
    this.#report.add(code, sentence, where, help)
    return { kind: 'broken', where }
  }

  #where(node: Ranged, fallback?: Where): Where {
    return node.range ? this.#place(node.range[0]) : (fallback ?? this.#place(0))
  }
}

function shortTag(tag: string): string {
  return tag.replace(/^tag:yaml\.org,2002:/, '!!')
}
