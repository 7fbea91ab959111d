/** An identity as one text, `device:site=s1,device=pump-7`: written in logs, read by commands. */
import { fail, ok, problem, type Result } from '../problem.ts'
import type { MappedIdentity } from './model.ts'

/** Captures are safe values (SEMANTICS §1.5): they hold neither comma nor equals sign. @example identityText({ kind: 'device', captures }) */
export function identityText({ kind, captures }: MappedIdentity): string {
  return `${kind}:${[...captures].map(([name, value]) => `${name}=${value}`).join(',')}`
}

/** Undefined where the text is of another form. @example parseIdentityText('device:site=s1,device=pump-7') */
export function parseIdentityText(text: string): Result<MappedIdentity> | undefined {
  const [, kind, rest] = /^([\p{L}_][\p{L}\p{N}_.-]*):(.*)$/su.exec(text) ?? []
  if (kind === undefined || rest === undefined) return undefined
  return rest === '' || /^[\w-]+=/.test(rest) ? parseCaptures(kind, rest) : undefined
}

function parseCaptures(kind: string, text: string): Result<MappedIdentity> {
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
  return ok({ kind, captures })
}
