/**
 * Shape: one description of what a piece of a policy file looks like, used twice: it reads a Node into a typed value
 * and reports every mistake with its place, and it is the JSON Schema of that piece, for editors. Pure.
 *
 * A shape reads as much as it can: a list keeps its good entries, a map its good keys, so that one mistake hides no other.
 */
import type { Where } from '../problem.ts'
import { didYouMean, nearestName } from './nearest-name.ts'
import type { Node, Text } from './node.ts'
import type { Report } from './report.ts'

export type JsonSchema = { readonly [key: string]: unknown }

export interface Shape<T> {
  /** The value, or undefined where it cannot be read; then the mistake is reported. */
  readonly read: (node: Node, report: Report) => T | undefined
  readonly schema: JsonSchema
}

export interface Field<T> {
  readonly shape: Shape<T>
  readonly required: boolean
  readonly description: string
}

/** A map that was read: `value.x` is undefined where `x` is absent or broken, and `has('x')` tells which. */
export interface ReadMap<F> {
  readonly where: Where
  readonly value: { readonly [K in keyof F]: (F[K] extends Field<infer T> ? T : never) | undefined }
  /** Known keys that are there, as written. */
  readonly keys: readonly (keyof F & string)[]
  readonly has: (key: keyof F & string) => boolean
  /** Where the key stands; the map itself where the key is absent. */
  readonly at: (key: keyof F & string) => Where
  /** True where the map held a key that nobody knows: then a missing key is no second mistake. */
  readonly misspelt: boolean
  /** Known keys that were probably meant by those. */
  readonly slips: ReadonlySet<string>
}

/** One entry of a map with free keys; the value is undefined where it is broken. */
export interface ReadEntry<T> {
  readonly key: Text
  readonly value: T | undefined
}

/** What a scalar may be for an editor, which reads `1` as a number and `true` as a boolean. */
export const scalarTypes: readonly string[] = ['string', 'number', 'boolean']

/** An optional field of a map. */
export function optional<T>(shape: Shape<T>, description: string): Field<T> {
  return { shape, required: false, description }
}

/** A required field of a map. */
export function required<T>(shape: Shape<T>, description: string): Field<T> {
  return { shape, required: true, description }
}

/** Any text that is not empty. `what` completes the sentence "expected …". */
export function text(what: string): Shape<Text> {
  return {
    schema: { type: scalarTypes, minLength: 1 },
    read: (node, report) => {
      if (node.kind !== 'text') return wrongShape(node, what, report)
      if (node.text !== '') return { text: node.text, where: node.where }
      report.add('policy/empty-value', `expected ${what}, not an empty text`, node.where, 'write a value')
      return undefined
    },
  }
}

/** A text that fits a pattern. */
export function matching(what: string, pattern: RegExp, help: string): Shape<Text> {
  const any = text(what)
  return {
    schema: { type: scalarTypes, pattern: pattern.source },
    read: (node, report) => {
      const read = any.read(node, report)
      if (read === undefined || pattern.test(read.text)) return read
      report.add('policy/bad-value', `\`${read.text}\` is not ${what}`, read.where, help)
      return undefined
    },
  }
}

/** A name: of a role, an identity, a table or an issuer. */
export function name(what: string): Shape<Text> {
  return matching(
    what,
    /^[A-Za-z][A-Za-z0-9_-]{0,63}$/,
    'a name begins with a letter and has letters, digits, `_` and `-`',
  )
}

/** A name of a variable: what may stand in `${…}`. */
export const variableName: Shape<Text> = matching(
  'a name of a variable',
  /^[a-z][A-Za-z0-9_]{0,63}$/,
  'a variable begins with a small letter and has letters, digits and `_`',
)

/** One of a few words; `values` maps each word to what it means. */
export function choice<T>(values: ReadonlyMap<string, T>): Shape<T> {
  const words = [...values.keys()]
  return {
    schema: { enum: words.flatMap(word => editorReadings(word)) },
    read: (node, report) => {
      const read = text(`one of ${words.join(', ')}`).read(node, report)
      if (read === undefined) return undefined
      if (values.has(read.text)) return values.get(read.text)
      report.add(
        'policy/bad-value',
        `\`${read.text}\` is not one of ${words.join(', ')}`,
        read.where,
        didYouMean(read.text, words, 'allowed'),
      )
      return undefined
    },
  }
}

/** `true` or `false`. */
export const yesOrNo: Shape<boolean> = choice(
  new Map([
    ['true', true],
    ['false', false],
  ]),
)

/** A whole number, written without sign or leading zero. */
export function wholeNumber(least: number, most: number): Shape<number> {
  const what = `a whole number from ${least} to ${most}`
  return {
    schema: { type: ['integer', 'string'], minimum: least, maximum: most, pattern: '^(0|[1-9][0-9]*)$' },
    read: (node, report) => {
      const read = text(what).read(node, report)
      if (read === undefined) return undefined
      const value = /^(0|[1-9][0-9]{0,14})$/.test(read.text) ? Number(read.text) : Number.NaN
      if (value >= least && value <= most) return value
      report.add('policy/bad-value', `\`${read.text}\` is not ${what}`, read.where, 'write digits only')
      return undefined
    },
  }
}

/** A list; entries that are broken are left out. */
export function list<T>(of: Shape<T>, what: string, least = 0): Shape<readonly T[]> {
  return {
    schema: { type: 'array', items: of.schema, ...(least === 0 ? {} : { minItems: least }) },
    read: (node, report) => {
      if (node.kind !== 'list') return wrongShape(node, what, report)
      if (node.items.length < least)
        report.add(
          'policy/empty-value',
          `expected ${what}, not an empty list`,
          node.where,
          least === 1 ? 'write at least one entry' : `write at least ${least} entries`,
        )
      return node.items.map(item => of.read(item, report)).filter(item => item !== undefined)
    },
  }
}

/** One of something, or a list of them. */
export function oneOrList<T>(of: Shape<T>, what: string): Shape<readonly T[]> {
  const several = list(of, what, 1)
  return {
    schema: { anyOf: [of.schema, several.schema] },
    read: (node, report) => {
      if (node.kind === 'list') return several.read(node, report)
      const one = of.read(node, report)
      return one === undefined ? undefined : [one]
    },
  }
}

/** One text, or a list of them; unlike `oneOrList` the value tells which. */
export function textOrTexts(what: string): Shape<Text | readonly Text[]> {
  const one = text(what)
  const several = list(one, `${what} or a list of them`, 1)
  return {
    schema: { anyOf: [one.schema, several.schema] },
    read: (node, report) => (node.kind === 'list' ? several.read(node, report) : one.read(node, report)),
  }
}

/** A map with free keys. Entries whose key is not valid are left out. */
export function record<T>(key: Shape<Text>, of: Shape<T>, what: string): Shape<readonly ReadEntry<T>[]> {
  return {
    schema: { type: 'object', propertyNames: { pattern: key.schema.pattern }, additionalProperties: of.schema },
    read: (node, report) => {
      if (node.kind !== 'map') return wrongShape(node, what, report)
      const entries: ReadEntry<T>[] = []
      for (const entry of node.entries) {
        const read = key.read({ kind: 'text', ...entry.key }, report)
        const value = of.read(entry.value, report)
        if (read !== undefined) entries.push({ key: read, value })
      }
      return entries
    },
  }
}

/** A node that its reader looks at itself; the schema is what an editor is told. */
export function node(schema: JsonSchema): Shape<Node> {
  return { schema, read: given => given }
}

/** A map with known keys; a key that nobody knows is reported with the nearest one. */
export function object<F extends { readonly [key: string]: Field<unknown> }>(
  what: string,
  fields: F,
): Shape<ReadMap<F>> {
  const known = new Map(Object.entries(fields))
  return {
    schema: {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(
        [...known].map(([key, field]) => [key, { description: field.description, ...field.shape.schema }]),
      ),
      ...(Object.values(fields).some(field => field.required)
        ? { required: [...known].filter(([, field]) => field.required).map(([key]) => key) }
        : {}),
    },
    read: (given, report) => {
      if (given.kind !== 'map') return wrongShape(given, what, report)
      const values = new Map<string, unknown>()
      const places = new Map<string, Where>()
      const slips = new Set<string>()
      let misspelt = false
      for (const entry of given.entries) {
        const field = known.get(entry.key.text)
        if (field === undefined) {
          misspelt = true
          slips.add(unknownKey(entry.key, known.keys(), report) ?? '')
          continue
        }
        places.set(entry.key.text, entry.key.where)
        values.set(entry.key.text, field.shape.read(entry.value, report))
      }
      for (const [key, field] of known) {
        if (!field.required || places.has(key) || slips.has(key)) continue
        report.add('policy/missing-key', `${what} lacks \`${key}\``, given.where, `\`${key}\`: ${field.description}`)
      }
      return {
        where: given.where,
        value: Object.fromEntries(values) as ReadMap<F>['value'],
        keys: [...places.keys()],
        has: key => places.has(key),
        at: key => places.get(key) ?? given.where,
        misspelt,
        slips,
      }
    },
  }
}

/** Reports a key that nobody knows; gives the key that was probably meant. */
export function unknownKey(key: Text, known: Iterable<string>, report: Report): string | undefined {
  const names = [...known]
  const near = nearestName(key.text, names)
  const glued = /^(\w+):/.exec(key.text)?.[1]
  const help =
    glued !== undefined && names.includes(glued) ? 'write a space after the colon' : didYouMean(key.text, names, 'keys')
  report.add('policy/unknown-key', `unknown key \`${key.text}\``, key.where, help)
  return near
}

function wrongShape(found: Node, what: string, report: Report): undefined {
  if (found.kind === 'broken') return undefined
  const glued = found.kind === 'text' ? /^(\w+):(\S.*)$/.exec(found.text) : null
  if (glued !== null && !what.includes('text')) {
    report.add(
      'policy/missing-space',
      `no space after the colon in \`${glued[0]}\``,
      found.where,
      `write \`${glued[1]}: ${glued[2]}\``,
    )
    return undefined
  }
  const help = found.kind === 'text' && /^(a|the) list/.test(what) ? `write it as a list: [${found.text}]` : undefined
  report.add(
    'policy/wrong-shape',
    `expected ${what}, not a ${found.kind}`,
    found.where,
    help ?? 'see docs/policy-language.md for the shape',
  )
  return undefined
}

function editorReadings(word: string): readonly unknown[] {
  if (word === 'true') return [true, word]
  if (word === 'false') return [false, word]
  return /^\d+$/.test(word) ? [Number(word), word] : [word]
}
