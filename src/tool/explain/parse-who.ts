/** WHO of `policy explain`, as text: an identity, a subject, or a certificate file. Says which, and asks nothing else. */
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
  const identity = /^([\p{L}_][\p{L}\p{N}_.-]*):(.*)$/su.exec(text)
  if (identity !== null && (identity[2] === '' || /^[\w-]+=/.test(identity[2] ?? ''))) {
    return parseCaptures(identity[1] ?? '', identity[2] ?? '')
  }
  if (looksLikeSubject(text)) return fieldsOf(text)
  return ok({ kind: 'file', path: text })
}

function fieldsOf(text: string): Result<ParsedWho> {
  const values = parseSubject(text)
  return values.ok ? ok({ kind: 'fields', table: { issuer: undefined, values: values.value } }) : values
}

function parseCaptures(identity: string, text: string): Result<ParsedWho> {
  const captures = new Map<string, string>()
  for (const part of text === '' ? [] : text.split(',')) {
    const [, name, value] = /^([\w-]+)=(.*)$/s.exec(part) ?? []
    if (name === undefined || value === undefined || captures.has(name)) {
      return fail(
        problem('tool/bad-who', `\`${part}\` is not one NAME=VALUE of an identity`, {
          help: 'write it as `device:site=s1,device=pump-7`',
        }),
      )
    }
    captures.set(name, value)
  }
  return ok({ kind: 'identity', identity, captures })
}
