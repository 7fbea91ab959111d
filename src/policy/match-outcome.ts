/** What matching makes of a certificate or one field of it, and what makes a value unfit (docs/semantics.md 1.4). Pure. */
import type { FieldName, FieldValue } from './model.ts'
import { quote } from './quote.ts'

export type Outcome =
  /** It is not meant. Nobody asks why where another identity fits. */
  | { readonly kind: 'no-match'; readonly why: () => string }
  /** It might be meant, and must not be guessed. */
  | { readonly kind: 'poisoned'; readonly why: string }
  | { readonly kind: 'match'; readonly captures: ReadonlyMap<string, string> }

/** @example poisoned('subject.cn has no value') */
export function poisoned(why: string): Outcome {
  return { kind: 'poisoned', why }
}

/** What makes one value unfit to be an identity, whatever it says; undefined where nothing does. */
export function flawOf(field: FieldName, value: FieldValue): string | undefined {
  // SAN names are IA5String by definition; serial and fingerprint are no strings of the certificate
  if (!field.startsWith('subject.') && !field.startsWith('issuer.')) return undefined
  if (value.stringType !== 'utf8' && value.stringType !== 'printable') {
    return `${field} is neither a UTF8String nor a PrintableString`
  }
  return value.inMultiValuedRdn ? `${field} stands in a relative distinguished name with several values` : undefined
}

const mostTold = 3

/** What the certificate has in a field: for sentences. */
export function told(field: FieldName, values: readonly FieldValue[]): string {
  if (values.length === 0) return `${field} has no value`
  const texts = values.slice(0, mostTold).map(value => quote(value.text))
  return values.length === 1 ? `${field} is ${texts}` : `${field} has ${values.length} values (${texts.join(', ')})`
}
