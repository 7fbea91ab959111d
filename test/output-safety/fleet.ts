/**
 * One hostile fleet: names that would drive a terminal, forge or reorder a line, hide, break JSON or run somewhere else, and
 * what must never come out of the program whatever it was told. Apart from `src/`: nothing of its escapers is used here.
 */
import { expect } from 'vitest'

const range = (from: number, to: number): string =>
  String.fromCharCode(...Array.from({ length: to - from + 1 }, (_, i) => from + i))

/** How a forged line would begin. */
const forgery = 'FORGED'

/** Every one of them is a string of its own kind of malice. */
export const fleet: Readonly<Record<string, string>> = {
  'CSI: clears the screen, colours': 'a\u001b[2J\u001b[31mpwn\u001b[0m',
  'OSC: sets a title, writes the clipboard, links':
    'a\u001b]0;pwn\u0007\u001b]52;c;cHdu\u001b\\\u001b]8;;http:evil\u001b\\x',
  'C0 without NUL and line ends': `c0${range(0x01, 0x09)}${range(0x0b, 0x0c)}${range(0x0e, 0x1f)}z`,
  'line ends: forges lines': `pump-7\r\n${forgery} permitted\n${forgery} again\r${forgery}\u000b${forgery}\u000c`,
  NUL: 'pump-7\u0000.pem',
  'C1 and DEL: 8-bit CSI and OSC': `c1${range(0x7f, 0x9f)}31m`,
  'bidi overrides, embeddings, isolates and marks':
    'a\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061cz',
  'separators of lines and paragraphs': `a\u2028${forgery}\u2029${forgery}\u0085${forgery}`,
  'zero width': '\ufeffpu\u200bm\u200cp\u200d-\u20607',
  HTML: '<img src=x onerror=alert(1)>&lt;"\'',
  script: '"></script><script>alert(1)</script>',
  'formula =': "=cmd|' /C calc'!A0",
  'formula +': '+1+cmd',
  'formula -': '-2+3',
  'formula @': '@SUM(1)',
  'formula behind a tab': '\t=1',
  'very long': `\u001b${'long'.repeat(180)}\u202e`,
  'a character that a cut would halve': `${'a'.repeat(199)}\u{1f600}b`,
  'breaks out of JSON': '","level":"info","forged":"\\',
  'breaks out of a shell': '\'; touch pwned; $(touch pwned) `touch pwned` "',
  'a value in hexadecimal where RFC 4514 is read': '#0c0561646d696e',
  'a property of every object': '__proto__',
  'high surrogate': 'x\ud800y',
  'low surrogate at the end': 'x\udc00',
  'surrogates the wrong way round': '\ude00\ud83d',
  'a template of something else': '%s%n${jndi:ldap:evil} {{1}}',
}

export const everyName: readonly string[] = Object.values(fleet)

const bytesOf = (name: string): number => Buffer.byteLength(name)

/** Without a lone half of a surrogate pair: what UTF-8 can hold. */
export const isWellFormed = (name: string): boolean => Buffer.from(name).toString() === name

/** Fit to be an argument of a command: C strings of valid UTF-8. */
export const argumentNames = everyName.filter(name => !name.includes('\0') && isWellFormed(name))

/** Fit to be the name of a file. */
export const fileNames = argumentNames.filter(name => !name.includes('/') && bytesOf(name) < 200)

/** Fit to be one level of a topic that goes over the wire. */
export const topicLevels = argumentNames.filter(name => !/[/+#]/.test(name) && bytesOf(name) < 900)

/** Bytes that are no UTF-8: a lone continuation that is CSI in Latin-1, an overlong ESC, half a character, a surrogate. */
export const hostileBytes: readonly Buffer[] = ['9b33316d', 'c09b', 'e282', 'eda080', 'fffe'].map(hex =>
  Buffer.concat([Buffer.from('pump'), Buffer.from(hex, 'hex')]),
)

/** What may not stand within a line of output: all that drives, reorders or hides. A line end is not asked about here. */
const marks =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** How a name must stand in text: `\u001b` for every such character, line ends included, and the rest as it is. */
export function shown(name: string): string {
  return name.replace(marks, escaped).replaceAll('\n', '\\u000a')
}

/** The beginning of it: sentences cut what they quote. */
export function begun(name: string): string {
  return shown(name.slice(0, 150))
}

/** How it must stand in the display form of a certificate's name: RFC 4514 escapes, and `\u{1b}` for all but plain ASCII. */
export function displayed(name: string): string {
  const written = [...name].map((character, index) => {
    if (/[\\,+="<>;]/.test(character) || (character === '#' && index === 0)) return `\\${character}`
    return /[ -~]/.test(character) ? character : `\\u{${character.codePointAt(0)?.toString(16)}}`
  })
  return written.join('')
}

/** Fails where a text says anything to a terminal, or where a line begins as only a forged one does. */
export function expectClean(text: string): void {
  const found = text.split('\n').flatMap(line => {
    const [bad] = line.match(marks) ?? (line.startsWith(forgery) ? [forgery] : [])
    return bad === undefined ? [] : [`${escaped(bad)} in ${JSON.stringify(line)}`]
  })
  expect(found).toEqual([])
}

/** What the fleet must come to in text: nothing that speaks to the terminal, and every name escaped. */
export function expectShown(text: string, names: readonly string[], form: (name: string) => string = shown): void {
  expectClean(text)
  expect(names.map(form).filter(name => !text.includes(name))).toEqual([])
}

/** Lines of JSON, one value in each and none cut; the text that they stand in is clean. */
export function jsonLines(text: string): readonly Record<string, unknown>[] {
  expectClean(text)
  expect(text.endsWith('\n')).toBe(true)
  return text
    .slice(0, -1)
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)
}

/** Every string in a JSON value, keys included. */
export function stringsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [key, ...stringsIn(inner)])
}

/** What the fleet must come to in JSON: clean text, and every name in it exactly as it was. */
export function expectKept(text: string, names: readonly string[]): void {
  expectClean(text)
  const kept = new Set(stringsIn(JSON.parse(text)))
  expect(names.filter(name => !kept.has(name))).toEqual([])
}

/** A word of a POSIX shell. */
export function word(name: string): string {
  return `'${name.replaceAll("'", `'\\''`)}'`
}

/** A text as YAML and JSON may write it with nothing but ASCII. */
export function ascii(name: string): string {
  return JSON.stringify(name).replace(/[^ -~]/g, escaped)
}

/** One name for one file or folder: something of every kind that such a name can hold. */
export const hostileFile = `h\u001b[31m\u001b]0;p\u0007\t\r\n${forgery}\u007f\u009b\u202e\u2066\u200f\u061c\u2028\u2029\u200b\ufeff'";=$(x)<b>`

/** All of them in one argument. */
export const everyArgument: string = argumentNames.join(' ')

/** The same in arguments that are short enough to be quoted whole; the long names alone. */
export const crowds: readonly string[] = argumentNames.reduce<string[]>((all, name) => {
  const last = all.at(-1)
  if (last === undefined || last.length + name.length > 148) all.push(name)
  else all[all.length - 1] = `${last} ${name}`
  return all
}, [])
