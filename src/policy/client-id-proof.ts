/**
 * The proof that every client id is claimable by one identity only (docs/semantics.md 2.1): decided on the languages of the
 * templates, with a shared id as the counterexample. A template is a short automaton; two meet iff their product reaches its
 * end. The length limit of values is left out, so that a proof holds for any length. Pure.
 */
import { type Problem, problem } from '../problem.ts'
import type { ClientIdTemplate } from './client-id-template.ts'
import { shareOut } from './match-parts.ts'
import type { IdentityRule, PolicySet } from './model.ts'
import { quote } from './quote.ts'
import { isSafeCharacter, isSafeStart, isSafeValue, type SafeAlphabet, type ValueKind } from './safe-value.ts'
import type { Part } from './template-parts.ts'

/** One step of a template's automaton: a character that must come, or characters that may be repeated or left out. */
interface Step {
  readonly takes: (character: string) => boolean
  /** The only character that it takes, where there is one. */
  readonly literal?: string
  readonly isLoop: boolean
}

function stepsOf(parts: readonly Part[], alphabet: SafeAlphabet): readonly Step[] {
  return parts.flatMap((part): Step[] => {
    if (part.type === 'literal')
      return [...part.text].map(literal => ({ takes: c => c === literal, literal, isLoop: false }))
    const kind: ValueKind = part.type === 'variable' ? part.kind : 'safe'
    return [
      { takes: c => isSafeStart(c, alphabet, kind), isLoop: false },
      { takes: c => isSafeCharacter(c, alphabet, kind), isLoop: true },
    ]
  })
}

/** Where an automaton may stand without reading: loops can be left out. */
function closure(steps: readonly Step[], at: number): readonly number[] {
  const places = [at]
  for (let place = at; steps[place]?.isLoop === true; place += 1) places.push(place + 1)
  return places
}

const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-']

function commonCharacter(a: Step, b: Step, alphabet: SafeAlphabet): string | undefined {
  const candidates =
    a.literal !== undefined ? [a.literal] : b.literal !== undefined ? [b.literal] : [...letters, ...alphabet.extra]
  return candidates.find(c => a.takes(c) && b.takes(c))
}

/** A shortest text that both templates give; undefined where there is none. Breadth first over pairs of places. */
export function sharedText(a: readonly Part[], b: readonly Part[], alphabet: SafeAlphabet): string | undefined {
  const [left, right] = [stepsOf(a, alphabet), stepsOf(b, alphabet)]
  const seen = new Set<string>()
  let front: { i: number; j: number; text: string }[] = [{ i: 0, j: 0, text: '' }]
  while (front.length > 0) {
    const next: typeof front = []
    for (const { i, j, text } of front) {
      for (const x of closure(left, i)) {
        for (const y of closure(right, j)) {
          if (x === left.length && y === right.length) return text
          const [stepX, stepY] = [left[x], right[y]]
          if (stepX === undefined || stepY === undefined || seen.has(`${x} ${y}`)) continue
          seen.add(`${x} ${y}`)
          const character = commonCharacter(stepX, stepY, alphabet)
          if (character !== undefined)
            next.push({ i: stepX.isLoop ? x : x + 1, j: stepY.isLoop ? y : y + 1, text: text + character })
        }
      }
    }
    front = next
  }
  return undefined
}

/** The template with `set:` constants put in, and each capture as narrow as every pattern that captures it. */
function resolved(rule: IdentityRule, template: ClientIdTemplate): readonly Part[] {
  return template.parts.map((part): Part => {
    if (part.type !== 'variable') return part
    const constant = rule.set.get(part.name)
    if (constant !== undefined) return { type: 'literal', text: constant }
    return part.kind === 'safe' ? { ...part, kind: captureKind(rule, part.name) } : part
  })
}

function captureKind(rule: IdentityRule, name: string): ValueKind {
  const patterns = rule.from.flat().flatMap(condition => condition.anyOf)
  const kinds = new Set(
    patterns.flatMap(pattern =>
      pattern.parts.flatMap(part => (part.type === 'variable' && part.name === name ? [part.kind] : [])),
    ),
  )
  const [kind] = kinds
  return kinds.size === 1 && kind !== undefined ? kind : 'safe'
}

/** What a certificate of this identity would have to say to be given this id: `device with device=a`. */
function certificateFor(
  rule: IdentityRule,
  parts: readonly Part[],
  text: string,
  alphabet: SafeAlphabet,
  others = 'x',
): string {
  const values = shareOut(
    parts,
    text,
    (part, value) =>
      part.type !== 'literal' && isSafeValue(value, alphabet, part.type === 'variable' ? part.kind : 'safe'),
  )
  const named = new Map(rule.captures.map(name => [name, others]))
  const open = parts.filter(part => part.type !== 'literal')
  if (Array.isArray(values)) {
    for (const [index, part] of open.entries())
      if (part.type === 'variable') named.set(part.name, values[index] as string)
  }
  return `${rule.name} with ${[...named].map(([name, value]) => `${name}=${value}`).join(' ') || 'no captures'}`
}

function sampleId(parts: readonly Part[], alphabet: SafeAlphabet): string {
  return sharedText(parts, parts, alphabet) ?? ''
}

/** (i) Every capture stands in the template, or `unique` determines it from those that do. */
function proveInjective(rule: IdentityRule, template: ClientIdTemplate, alphabet: SafeAlphabet): Problem | undefined {
  const parts = resolved(rule, template)
  const present = new Set(parts.flatMap(part => (part.type === 'variable' ? [part.name] : [])))
  const missing = rule.captures.filter(name => !present.has(name))
  if (missing.length === 0 || (rule.unique.length > 0 && rule.unique.every(name => present.has(name)))) return undefined
  const id = sampleId(parts, alphabet)
  return problem(
    'policy/client-id-shared',
    `two certificates can claim the client id ${quote(id)}: ${certificateFor(rule, parts, id, alphabet, 'x')}, and ${certificateFor(rule, parts, id, alphabet, 'y')}`,
    {
      where: template.where,
      help: `put ${missing.map(name => `\${${name}}`).join(' and ')} into the client id, or say \`unique: [${[...present].join(', ')}]\` where two certificates with the same ${[...present].join(', ') || 'values'} are the same device`,
    },
  )
}

interface Claim {
  readonly rule: IdentityRule
  readonly template: ClientIdTemplate
  readonly parts: readonly Part[]
}

/** (ii) No id belongs to two identities, nor by two templates to two certificates of one. */
function proveDisjoint(a: Claim, b: Claim, alphabet: SafeAlphabet): Problem | undefined {
  const id = sharedText(a.parts, b.parts, alphabet)
  if (id === undefined) return undefined
  const [first, second] = [certificateFor(a.rule, a.parts, id, alphabet), certificateFor(b.rule, b.parts, id, alphabet)]
  return problem(
    'policy/client-id-shared',
    `two certificates can claim the client id ${quote(id)}: ${first}, and ${second}`,
    {
      where: b.template.where,
      help: `keep ${quote(a.template.text)} and ${quote(b.template.text)} apart by a literal such as \`/\`, or say \`clientIdUnique: vouched\``,
    },
  )
}

/**
 * Proves a set's client ids, or shows for each failure two certificates and the id that they share.
 * `clientIdUnique: vouched` waives what concerns that identity.
 * @example proveClientIds(set).length === 0
 */
export function proveClientIds(set: PolicySet): readonly Problem[] {
  const { alphabet } = set.settings
  const rules = [...set.identities.values()].filter(rule => rule.clientIdUnique === 'proved')
  const claims = rules.flatMap(rule =>
    rule.clientIds.map((template): Claim => ({ rule, template, parts: resolved(rule, template) })),
  )
  const injective = claims.flatMap(({ rule, template }) => proveInjective(rule, template, alphabet) ?? [])
  const disjoint = claims.flatMap((a, index) =>
    claims.slice(index + 1).flatMap(b => proveDisjoint(a, b, alphabet) ?? []),
  )
  return [...injective, ...disjoint]
}
