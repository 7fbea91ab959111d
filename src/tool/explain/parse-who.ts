/** WHO of `policy explain`, as text: an identity, a subject, or a certificate file. Says which, and asks nothing else. */
import { parseIdentityText } from '../../policy/identity-text.ts'
import type { FieldTable } from '../../policy/model.ts'
import { fail, ok, problem, type Result } from '../../problem.ts'
import { looksLikeSubject, parseSubject } from './parse-subject.ts'

export type ParsedWho =
  | { readonly kind: 'identity'; readonly identity: string; readonly captures: ReadonlyMap<string, string> }
  | { readonly kind: 'fields'; readonly table: FieldTable }
  | { readonly kind: 'file'; readonly path: string }

/**
 * `device:site=s1,device=pump-7`, `subject:OU=s1,CN=pump-7`, `OU=s1,CN=pump-7`, or else the path of a PEM file.
 * A file whose name reads as one of these is written `./NAME`.
 */
export function parseWho(text: string): Result<ParsedWho> {
  if (text === '')
    return fail(
      problem('tool/bad-who', 'WHO is empty', {
        help: 'write a certificate file, `subject:OU=s1,CN=pump-7` or `device:site=s1,device=pump-7`',
      }),
    )
  if (text.startsWith('subject:')) return fieldsOf(text.slice('subject:'.length))
  const identity = parseIdentityText(text)
  if (identity !== undefined)
    return identity.ok
      ? ok({ kind: 'identity', identity: identity.value.kind, captures: identity.value.captures })
      : identity
  if (looksLikeSubject(text)) return fieldsOf(text)
  return ok({ kind: 'file', path: text })
}

function fieldsOf(text: string): Result<ParsedWho> {
  const values = parseSubject(text)
  return values.ok ? ok({ kind: 'fields', table: { issuer: undefined, values: values.value } }) : values
}
