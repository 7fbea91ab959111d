/**
 * A distinguished name as a person writes it, or as openssl and our own log show it, to certificate fields: RFC 4514
 * with its backslash escapes, plus `\u{e9}` of our own display form, plus policy fields such as `san.uri=…`.
 */
import { type FieldName, type FieldValue, fieldNames } from '../../policy/model.ts'
import { nearestName } from '../../policy/nearest-name.ts'
import { fail, ok, problem, type Result } from '../../problem.ts'

/** What certificates say besides the fields that policies can name: permitted, and passed over. */
const ignoredTypes: ReadonlySet<string> = new Set(['dc', 'street', 'e', 'emailaddress', 'sn', 'gn'])

const attributeFields: ReadonlyMap<string, FieldName> = new Map([
  ...fieldNames.map(field => [field.toLowerCase(), field] as const),
  ...fieldNames
    .filter(field => field.startsWith('subject.'))
    .map(field => [field.slice(8).toLowerCase(), field] as const),
  ['s', 'subject.st'] as const,
])

interface Attribute {
  readonly type: string
  readonly value: string
  /** Joined by `+` to the attribute before it. */
  readonly joinsPrevious: boolean
}

/** Whether this text reads as a distinguished name at all: a known attribute type, then `=`. */
export function looksLikeSubject(text: string): boolean {
  const type = /^\s*([\w.]+)\s*=/.exec(text)?.[1]?.toLowerCase()
  return type !== undefined && (attributeFields.has(type) || ignoredTypes.has(type) || /^\d+(\.\d+)+$/.test(type))
}

/** @example parseSubject('OU=s1,CN=pump-7') */
export function parseSubject(text: string): Result<ReadonlyMap<FieldName, readonly FieldValue[]>> {
  const attributes = splitAttributes(text)
  if (!attributes.ok) return attributes
  const values = new Map<FieldName, FieldValue[]>()
  for (const [index, { type, value, joinsPrevious }] of attributes.value.entries()) {
    const field = attributeFields.get(type.toLowerCase())
    if (field === undefined) {
      if (ignoredTypes.has(type.toLowerCase()) || /^\d+(\.\d+)+$/.test(type)) continue
      const near = nearestName(type, ['CN', 'OU', 'O', 'C', 'ST', 'L', 'UID', 'serialNumber', 'title', ...fieldNames])
      return badSubject(
        `\`${type}\` is no attribute of a subject`,
        near === undefined ? undefined : `did you mean \`${near}\`?`,
      )
    }
    const inMultiValuedRdn = joinsPrevious || attributes.value[index + 1]?.joinsPrevious === true
    const stringType = field.startsWith('san.') ? 'ia5' : 'utf8'
    values.set(field, [...(values.get(field) ?? []), { text: value, stringType, inMultiValuedRdn }])
  }
  return ok(values)
}

function badSubject(
  sentence: string,
  help = 'write it as `OU=s1,CN=pump-7`; a backslash escapes , + " \\ < > ;',
): ReturnType<typeof fail> {
  return fail(problem('tool/bad-who', sentence, { help }))
}

function splitAttributes(text: string): Result<readonly Attribute[]> {
  const attributes: Attribute[] = []
  let at = 0
  let joinsPrevious = false
  while (at < text.length) {
    const head = /^\s*([\w.]+)( *)=/.exec(text.slice(at))
    if (head === null) return badSubject(`\`${text.slice(at)}\` is no attribute of a subject`)
    at += head[0].length
    // openssl before 3.2 writes `CN = pump-7`
    if (head[2] !== '' && text[at] === ' ') at++
    const value = readValue(text, at)
    if (!value.ok) return value
    attributes.push({ type: head[1] ?? '', value: value.value.text, joinsPrevious })
    at = value.value.end
    joinsPrevious = text[at] === '+'
    if (at < text.length && ++at === text.length) return badSubject('the subject ends after a separator')
  }
  return attributes.length === 0 ? badSubject('the subject is empty') : ok(attributes)
}

/** RFC 4514 §2.4: up to the next bare `,` `;` or `+`. */
function readValue(text: string, start: number): Result<{ text: string; end: number }> {
  if (text[start] === '#') return badSubject('a value in hexadecimal (#…) cannot be compared')
  const bytes: Buffer[] = []
  let at = start
  while (at < text.length && !',;+'.includes(text[at] ?? '')) {
    const escaped = text[at] === '\\' ? readEscape(text.slice(at)) : undefined
    if (text[at] === '\\' && escaped === undefined)
      return badSubject('a backslash must be followed by a special character or two hexadecimal digits')
    const plain = String.fromCodePoint(text.codePointAt(at) ?? 0)
    bytes.push(escaped?.bytes ?? Buffer.from(plain))
    at += escaped?.length ?? plain.length
  }
  try {
    return ok({
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(bytes)),
      end: at,
    })
  } catch {
    return badSubject('an escaped value is not UTF-8')
  }
}

function readEscape(text: string): { bytes: Buffer; length: number } | undefined {
  const codePoint = /^\\u\{([0-9a-f]{1,6})\}/.exec(text)
  if (codePoint !== null && Number.parseInt(codePoint[1] ?? '', 16) <= 0x10ffff) {
    return {
      bytes: Buffer.from(String.fromCodePoint(Number.parseInt(codePoint[1] ?? '', 16))),
      length: codePoint[0].length,
    }
  }
  const hex = /^\\([0-9a-fA-F]{2})/.exec(text)
  if (hex !== null) return { bytes: Buffer.from(hex[1] ?? '', 'hex'), length: 3 }
  const special = /^\\([ "#+,;<=>\\])/.exec(text)
  return special === null ? undefined : { bytes: Buffer.from(special[1] ?? ''), length: 2 }
}
