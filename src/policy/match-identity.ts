/** Which identity a certificate is: exactly one, or a refusal (docs/semantics.md 1.4). Pure. */
import { fail, ok, problem, type Result } from '../problem.ts'
import type {
  FieldCondition,
  FieldConditions,
  FieldTable,
  FieldValue,
  IdentityRule,
  MappedIdentity,
  PolicySet,
} from './model.ts'
import { matchPattern, type Pattern } from './pattern.ts'
import { quote } from './quote.ts'
import { defaultAlphabet, type SafeAlphabet } from './safe-value.ts'

/** What one identity, or one condition of it, makes of a certificate. */
type Outcome =
  | { readonly kind: 'no-match' }
  /** It might be meant, and must not be guessed. */
  | { readonly kind: 'poisoned'; readonly why: string }
  | { readonly kind: 'match'; readonly captures: ReadonlyMap<string, string> }

const noMatch: Outcome = { kind: 'no-match' }
const poisoned = (why: string): Outcome => ({ kind: 'poisoned', why })

/**
 * Maps a certificate. Refused if any identity is poisoned by it, or if not exactly one matches.
 * @example const identity = matchIdentity(set, { issuer: 'acme', values })
 */
export function matchIdentity(set: PolicySet, table: FieldTable): Result<MappedIdentity> {
  const matched: MappedIdentity[] = []
  for (const rule of set.identities.values()) {
    const outcome = matchRule(rule, table, set.settings.alphabet)
    if (outcome.kind === 'poisoned') {
      return fail(
        problem(
          'authenticate/poisoned-identity',
          `the certificate cannot be read as ${rule.name} for certain: ${outcome.why}`,
          {
            where: rule.where,
            help: 'put one safe value (letters, digits, `.`, `_`, `-`) into the field, or a slug into OU or SAN',
          },
        ),
      )
    }
    if (outcome.kind === 'match') matched.push({ kind: rule.name, captures: outcome.captures })
  }
  const [identity, other] = matched
  if (identity === undefined) {
    return fail(
      problem('authenticate/no-identity', 'no identity of the policy fits this certificate', {
        help: 'compare its subject and SAN with `from:` of the identities',
      }),
    )
  }
  if (other !== undefined) {
    return fail(
      problem('authenticate/ambiguous-identity', `the certificate is both ${identity.kind} and ${other.kind}`, {
        help: 'separate the two with `except:` or another field',
      }),
    )
  }
  return ok(identity)
}

function matchRule(rule: IdentityRule, table: FieldTable, alphabet: SafeAlphabet): Outcome {
  if (rule.issuer !== undefined && table.issuer !== undefined && rule.issuer !== table.issuer) return noMatch
  const excepted = rule.except.map(conditions => matchExcept(conditions, table))
  if (excepted.some(outcome => outcome.kind === 'match')) return noMatch
  const alternatives = rule.from.map(conditions => matchAll(conditions, table, alphabet))
  const candidates = alternatives.filter(outcome => outcome.kind !== 'no-match')
  const [first] = candidates
  if (first === undefined) return noMatch
  const doubt = [...excepted, ...candidates].find(outcome => outcome.kind === 'poisoned')
  if (doubt !== undefined) return doubt
  return candidates.every(other => sameCaptures(first, other))
    ? first
    : poisoned('two alternatives of `from:` capture different values')
}

function sameCaptures(a: Outcome, b: Outcome): boolean {
  if (a.kind !== 'match' || b.kind !== 'match') return false
  return [...a.captures].every(([name, value]) => b.captures.get(name) === value)
}

/** Whether the certificate is one that `except:` names; two values of a field that it names leave that open. */
function matchExcept(conditions: FieldConditions, table: FieldTable): Outcome {
  const named = conditions.map(condition => ({ condition, values: table.values.get(condition.field) ?? [] }))
  const several = named.find(({ condition, values }) => values.length > 1 && !condition.field.startsWith('san.'))
  if (several !== undefined)
    return poisoned(`${several.condition.field}, which \`except:\` names, has ${several.values.length} values`)
  const isMatch = named.every(({ condition, values }) =>
    values.some(value => condition.anyOf.some(pattern => fitsLiterals(pattern, value))),
  )
  return isMatch ? { kind: 'match', captures: new Map() } : noMatch
}

/** (a) every literal part compares first; (b) only then can anything be poisoned. */
function matchAll(conditions: FieldConditions, table: FieldTable, alphabet: SafeAlphabet): Outcome {
  const outcomes = conditions.map(condition =>
    matchCondition(condition, table.values.get(condition.field) ?? [], alphabet),
  )
  if (outcomes.some(outcome => outcome.kind === 'no-match')) return noMatch
  const captures = new Map<string, string>()
  for (const outcome of outcomes) {
    if (outcome.kind !== 'match') return outcome
    for (const [name, value] of outcome.captures) {
      const earlier = captures.get(name)
      if (earlier !== undefined && earlier !== value)
        return poisoned(`${name} is ${quote(earlier)} in one field and ${quote(value)} in another`)
      captures.set(name, value)
    }
  }
  return { kind: 'match', captures }
}

function fitsLiterals(pattern: Pattern, value: FieldValue): boolean {
  return matchPattern(pattern, value.text, defaultAlphabet).kind !== 'no-match'
}

function matchCondition(condition: FieldCondition, values: readonly FieldValue[], alphabet: SafeAlphabet): Outcome {
  const { field } = condition
  const isFitting = (value: FieldValue): boolean => condition.anyOf.some(pattern => fitsLiterals(pattern, value))
  const fitting = values.filter(isFitting)
  // for SAN, entries that do not fit the literals are somebody else's; a subject field is counted whole
  const counted = field.startsWith('san.') ? fitting : values
  if (fitting.length === 0 && (values.length > 0 || condition.anyOf.every(hasLiteral))) return noMatch
  const [value] = counted
  if (value === undefined || counted.length !== 1)
    return poisoned(`${field} has ${counted.length} values, and exactly one is needed`)
  const flaw = flawOf(field, value)
  if (flaw !== undefined) return poisoned(flaw)
  const found = condition.anyOf
    .map(pattern => matchPattern(pattern, value.text, alphabet))
    .filter(match => match.kind !== 'no-match')
  const match = found.find(candidate => candidate.kind === 'match')
  if (match === undefined || match.kind !== 'match')
    return poisoned(`${field} is ${quote(value.text)}, which is not a safe value`)
  return { kind: 'match', captures: match.captures }
}

/** A literal part differs from a field that is not there; a capture alone leaves open what was meant. */
function hasLiteral(pattern: Pattern): boolean {
  return pattern.parts.some(part => part.type === 'literal')
}

/** What makes one value unfit to be an identity, whatever it says. */
function flawOf(field: string, value: FieldValue): string | undefined {
  if (field.startsWith('san.') || field === 'serial' || field === 'fingerprint.sha256') return undefined
  if (value.stringType !== 'utf8' && value.stringType !== 'printable')
    return `${field} is neither a UTF8String nor a PrintableString`
  if (value.inMultiValuedRdn) return `${field} stands in a relative distinguished name with several values`
  return undefined
}
