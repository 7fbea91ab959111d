/**
 * The proof that every client id is claimable by one identity only (docs/semantics.md 2.1): each template tells the
 * captures of its identity apart, and no two templates share an id. A failure shows two certificates and the id. Pure.
 */
import { type Problem, problem } from '../problem.ts'
import { captureKind, narrowest } from './capture-kind.ts'
import type { ClientIdTemplate } from './client-id-template.ts'
import { shareOut } from './match-parts.ts'
import type { IdentityRule, PolicySet } from './model.ts'
import { quote } from './quote.ts'
import type { SafeAlphabet } from './safe-value.ts'
import { sharedText } from './shared-text.ts'
import type { Part } from './template-parts.ts'

/** One template of one identity, with all that is known of its variables put in. */
interface Claim {
  readonly rule: IdentityRule
  readonly template: ClientIdTemplate
  readonly parts: readonly Part[]
}

/**
 * Proves a set's client ids, or shows for each failure two certificates and the id that they share.
 * `clientIdUnique: vouched` waives what concerns that identity (docs/semantics.md 2.1).
 * @example proveClientIds(set).length === 0
 */
export function proveClientIds(set: PolicySet): readonly Problem[] {
  const { alphabet } = set.settings
  const rules = [...set.identities.values()].filter(rule => rule.clientIdUnique === 'proved')
  const claims = rules.flatMap(rule =>
    rule.clientIds.map((template): Claim => ({ rule, template, parts: resolved(rule, template) })),
  )
  const injective = claims.flatMap(claim => proveInjective(claim, alphabet) ?? [])
  const disjoint = claims.flatMap((a, index) => claims.slice(index + 1).flatMap(b => proveApart(a, b, alphabet) ?? []))
  return [...injective, ...disjoint]
}

/** The template with `set:` constants put in, and each capture as narrow as template and certificate fields make it. */
function resolved(rule: IdentityRule, template: ClientIdTemplate): readonly Part[] {
  return template.parts.map((part): Part => {
    if (part.type !== 'variable') return part
    const constant = rule.set.get(part.name)
    if (constant !== undefined) return { type: 'literal', text: constant }
    const demanded = template.parts.flatMap(one =>
      one.type === 'variable' && one.name === part.name ? [one.kind] : [],
    )
    return { ...part, kind: narrowest([...demanded, captureKind(rule, part.name)]) }
  })
}

/** (i) Every capture stands in the template, or `unique` determines it from those that do. */
function proveInjective({ rule, template, parts }: Claim, alphabet: SafeAlphabet): Problem | undefined {
  const present = new Set(parts.flatMap(part => (part.type === 'variable' ? [part.name] : [])))
  const missing = rule.captures.filter(name => !present.has(name))
  if (missing.length === 0 || isDetermined(rule, present)) return undefined
  const id = sharedText(parts, parts, alphabet) ?? ''
  const values = readValues(parts, id, alphabet) ?? new Map()
  const names = [...present].join(', ')
  const unique =
    names === ''
      ? ''
      : `, or say \`unique: [${names}]\` where two certificates that agree on ${names} are the same device`
  return sharedId(id, twoCertificates(rule, rule, values, values), {
    where: template.where,
    help: `put ${missing.map(name => `\`\${${name}}\``).join(' and ')} into the client id${unique}`,
  })
}

function isDetermined(rule: IdentityRule, present: ReadonlySet<string>): boolean {
  return rule.unique.length > 0 && rule.unique.every(name => present.has(name))
}

/**
 * (ii) No id belongs to two identities, nor by two templates to two certificates of one. Of one identity, two readings of
 * an id are the same certificate where all that tells its certificates apart stands at the same places in both. Exact but
 * for a variable that stands twice in a template, and for values over 64 characters: both can only refuse too much.
 */
function proveApart(a: Claim, b: Claim, alphabet: SafeAlphabet): Problem | undefined {
  const deciding = a.rule.unique.length > 0 ? a.rule.unique : a.rule.captures
  const parting = a.rule === b.rule ? { parting: new Set(deciding) } : {}
  if (sharedText(a.parts, b.parts, alphabet, parting) === undefined) return undefined
  const [left, right] = [quote(a.template.text), quote(b.template.text)]
  const extra = {
    where: b.template.where,
    help: `keep ${left} and ${right} apart by a literal such as \`/\`, or say \`clientIdUnique: vouched\``,
  }
  for (const isVaried of [false, true]) {
    const id = sharedText(a.parts, b.parts, alphabet, { ...parting, isVaried }) ?? ''
    const [first, second] = [readValues(a.parts, id, alphabet), readValues(b.parts, id, alphabet)]
    if (first === undefined || second === undefined) continue
    if (a.rule === b.rule && deciding.every(name => first.get(name) === second.get(name))) continue
    return sharedId(id, twoCertificates(a.rule, b.rule, first, second), extra)
  }
  const sentence = `the client ids ${left} of ${a.rule.name} and ${right} of ${b.rule.name} cannot be proved apart`
  return problem('policy/client-id-shared', sentence, extra)
}

function sharedId(id: string, certificates: string, extra: Parameters<typeof problem>[2]): Problem {
  const sentence = `two certificates can claim the client id ${quote(id)}: ${certificates}`
  return problem('policy/client-id-shared', sentence, extra)
}

/** What the variables of a template stand for in an id; undefined where a value is too long, or one that stands twice differs. */
function readValues(
  parts: readonly Part[],
  id: string,
  alphabet: SafeAlphabet,
): ReadonlyMap<string, string> | undefined {
  const values = shareOut(parts, id, alphabet)
  if (values === undefined || values === 'several') return undefined
  const found = new Map<string, string>()
  for (const [index, part] of parts.filter(one => one.type !== 'literal').entries()) {
    const value = values[index] as string
    if (part.type !== 'variable') continue
    if ((found.get(part.name) ?? value) !== value) return undefined
    found.set(part.name, value)
  }
  return found
}

type Values = ReadonlyMap<string, string>

/** Two certificates, told as `device with site=a device=b`; where a reading leaves a capture open, the two differ in it. */
function twoCertificates(a: IdentityRule, b: IdentityRule, first: Values, second: Values): string {
  return `${certificateOf(a, first, second, 0)}, and ${certificateOf(b, second, first, 1)}`
}

function certificateOf(rule: IdentityRule, values: Values, others: Values, sample: 0 | 1): string {
  const open = (name: string): string => {
    const samples = (captureKind(rule, name) === 'digits' ? ['1', '2', '3'] : ['a', 'b', 'c']).slice(sample)
    return samples.find(one => one !== others.get(name)) as string
  }
  const captures = rule.captures.map(name => `${name}=${values.get(name) ?? open(name)}`)
  return captures.length === 0 ? rule.name : `${rule.name} with ${captures.join(' ')}`
}
