/** Which identity a certificate is: exactly one, or a refusal (docs/semantics.md 1.4). Pure. */
import { fail, ok, type Problem, problem, type Result } from '../problem.ts'
import { matchExcept } from './match-except.ts'
import { flawOf, type Outcome, poisoned, told } from './match-outcome.ts'
import type { FieldCondition, FieldConditions, FieldTable, IdentityRule, MappedIdentity, PolicySet } from './model.ts'
import { fitsLiterals, matchPattern, type Pattern } from './pattern.ts'
import { quote } from './quote.ts'
import type { SafeAlphabet } from './safe-value.ts'

const mostTold = 5

/**
 * Maps a certificate. Refused if any identity is poisoned by it, or if not exactly one matches (docs/semantics.md 1.4).
 * @example const identity = matchIdentity(set, { issuer: 'acme', values })
 */
export function matchIdentity(set: PolicySet, table: FieldTable): Result<MappedIdentity> {
  const matched: MappedIdentity[] = []
  const differences: (() => string)[] = []
  for (const rule of set.identities.values()) {
    const outcome = matchRule(rule, table, set.settings.alphabet)
    if (outcome.kind === 'poisoned') return fail(poisonedIdentity(rule, outcome.why))
    if (outcome.kind === 'match') matched.push({ kind: rule.name, captures: outcome.captures })
    else differences.push(() => `${rule.name}: ${outcome.why()}`)
  }
  const [identity, other] = matched
  if (identity === undefined) return fail(noIdentity(differences))
  if (other === undefined) return ok(identity)
  return fail(
    problem('authenticate/ambiguous-identity', `the certificate is both ${identity.kind} and ${other.kind}`, {
      where: set.identities.get(other.kind)?.where,
      help: 'separate the two with `except:` or another field',
    }),
  )
}

function poisonedIdentity(rule: IdentityRule, why: string): Problem {
  return problem(
    'authenticate/poisoned-identity',
    `the certificate cannot be read as ${rule.name} for certain: ${why}`,
    {
      where: rule.where,
      help: 'put one safe value (letters, digits, `.`, `_`, `-`) into the field, or a slug into OU or SAN',
    },
  )
}

function noIdentity(differences: readonly (() => string)[]): Problem {
  const reasons = differences.slice(0, mostTold).map(tell => tell())
  const more = differences.length > mostTold ? `; and ${differences.length - mostTold} more` : ''
  return problem('authenticate/no-identity', 'no identity of the policy fits this certificate', {
    help: reasons.length === 0 ? 'the policy has no identity' : reasons.join('; ') + more,
  })
}

/** A table without an issuer, as a policy test may have, fits whatever issuer the identity demands. */
function matchRule(rule: IdentityRule, table: FieldTable, alphabet: SafeAlphabet): Outcome {
  if (rule.issuer !== undefined && table.issuer !== undefined && rule.issuer !== table.issuer) {
    const [found, wanted] = [table.issuer, rule.issuer]
    return { kind: 'no-match', why: () => `its issuer is ${quote(found)}, not ${quote(wanted)}` }
  }
  const excepted = rule.except.map(conditions => matchExcept(conditions, table))
  if (excepted.some(outcome => outcome.kind === 'match')) return { kind: 'no-match', why: () => '`except:` names it' }
  const alternatives = rule.from.map(conditions => matchAll(conditions, table, alphabet))
  const candidates = alternatives.filter(outcome => outcome.kind !== 'no-match')
  const [first] = candidates
  if (first === undefined) return alternatives[0] ?? { kind: 'no-match', why: () => 'it has no `from:`' }
  const doubt = [...excepted, ...candidates].find(outcome => outcome.kind === 'poisoned')
  return doubt ?? agreed(candidates)
}

/** (a) every literal part compares first; (b) only then can anything be poisoned. */
function matchAll(conditions: FieldConditions, table: FieldTable, alphabet: SafeAlphabet): Outcome {
  const outcomes = conditions.map(condition => matchCondition(condition, table, alphabet))
  return outcomes.find(outcome => outcome.kind === 'no-match') ?? agreed(outcomes)
}

/** All captures together; poisoned where one outcome is, or where two give one name different values. */
function agreed(outcomes: readonly Outcome[]): Outcome {
  const captures = new Map<string, string>()
  for (const outcome of outcomes) {
    if (outcome.kind !== 'match') return outcome
    for (const [name, value] of outcome.captures) {
      const earlier = captures.get(name)
      if (earlier !== undefined && earlier !== value) {
        return poisoned(`${name} is ${quote(earlier)} in one place and ${quote(value)} in another`)
      }
      captures.set(name, value)
    }
  }
  return { kind: 'match', captures }
}

function matchCondition(condition: FieldCondition, table: FieldTable, alphabet: SafeAlphabet): Outcome {
  const { field, anyOf } = condition
  const values = table.values.get(field) ?? []
  const fitting = values.filter(value => anyOf.some(pattern => fitsLiterals(pattern, value.text)))
  if (fitting.length === 0 && (values.length > 0 || anyOf.every(hasLiteral))) {
    return {
      kind: 'no-match',
      why: () => `${told(field, values)}, not ${firstOf(anyOf)}`,
    }
  }
  // of SAN entries, those that do not fit the literals are somebody else's; a subject field is counted whole
  const counted = field.startsWith('san.') ? fitting : values
  const [value] = counted
  if (value === undefined || counted.length > 1)
    return poisoned(`${told(field, counted)}, and exactly one value is needed`)
  const flaw = flawOf(field, value)
  if (flaw !== undefined) return poisoned(flaw)
  const matches = anyOf
    .map(pattern => matchPattern(pattern, value.text, alphabet))
    .filter(one => one.kind !== 'no-match')
  return agreed(
    matches.map(match =>
      match.kind === 'match' ? match : poisoned(`${field} is ${quote(value.text)}, which ${match.reason}`),
    ),
  )
}

const firstOf = (patterns: readonly Pattern[]): string =>
  patterns
    .slice(0, 3)
    .map(one => quote(one.text))
    .join(' or ')

/** A literal part differs from a field that is not there; a capture alone leaves open what was meant. */
function hasLiteral(pattern: Pattern): boolean {
  return pattern.parts.some(part => part.type === 'literal')
}
