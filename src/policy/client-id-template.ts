/** Client-id templates: which client identifiers an identity may use. `${device}`, `${name}/+`. Pure. */
import { fail, ok, type Result, type Where } from '../problem.ts'
import { shareOut } from './match-parts.ts'
import { isSafeValue, type SafeAlphabet } from './safe-value.ts'
import { ambiguity, type Part, parseParts } from './template-parts.ts'

export interface ClientIdTemplate {
  readonly text: string
  readonly parts: readonly Part[]
  readonly where: Where
}

/** @example parseClientIdTemplate('${name}/+', where, defaultAlphabet) */
export function parseClientIdTemplate(text: string, where: Where, alphabet: SafeAlphabet): Result<ClientIdTemplate> {
  const parts = parseParts(text, where, true)
  if (!parts.ok) return parts
  const mistake = ambiguity(parts.value, text, where, alphabet)
  return mistake === undefined ? ok({ text, parts: parts.value, where }) : fail(mistake)
}

/** Names of the variables, each once. */
export function templateVariables(template: ClientIdTemplate): readonly string[] {
  return [...new Set(template.parts.flatMap(part => (part.type === 'variable' ? [part.name] : [])))]
}

/** Whether it has a `+`: several client ids for one identity. */
export function templateHasFree(template: ClientIdTemplate): boolean {
  return template.parts.some(part => part.type === 'free')
}

/**
 * Whether the presented id is one of this identity's: byte for byte (docs/semantics.md 2.2). A value that is not of the
 * kind that its variable demands has no client id: the proof of 2.1 counts on it.
 */
export function matchClientId(
  template: ClientIdTemplate,
  captures: ReadonlyMap<string, string>,
  presented: string,
  alphabet: SafeAlphabet,
): boolean {
  if (!isRenderable(template, captures, alphabet)) return false
  // every variable is known: only the free values are open
  const parts = template.parts.map(
    (part): Part => (part.type === 'variable' ? { type: 'literal', text: captured(part.name, captures) } : part),
  )
  return shareOut(parts, presented, alphabet) !== undefined
}

/** Whether these captures have client ids by this template: every value must be of the kind that it demands. */
export function isRenderable(
  template: ClientIdTemplate,
  captures: ReadonlyMap<string, string>,
  alphabet: SafeAlphabet,
): boolean {
  return template.parts.every(
    part => part.type !== 'variable' || isSafeValue(captured(part.name, captures), alphabet, part.kind),
  )
}

/** The client id with this text for `+`. */
export function renderClientId(
  template: ClientIdTemplate,
  captures: ReadonlyMap<string, string>,
  free: string,
): string {
  return template.parts
    .map(part => (part.type === 'literal' ? part.text : part.type === 'free' ? free : captured(part.name, captures)))
    .join('')
}

function captured(name: string, captures: ReadonlyMap<string, string>): string {
  const value = captures.get(name)
  if (value === undefined) throw new TypeError(`client-id variable ${name} has no value`)
  return value
}
