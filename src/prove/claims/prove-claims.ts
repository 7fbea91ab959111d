/** Proves the claims of a set, or shows why they do not hold: two certificates and a topic (docs/semantics.md 6). Pure. */
import type { Claim, PolicySet } from '../../policy/model.ts'
import { quote } from '../../policy/quote.ts'
import { formatWhere, type Problem, problem } from '../../problem.ts'
import type { Someone } from '../encounter.ts'
import type { IssuerLimits } from '../person.ts'
import { type World, worldOf } from '../reach.ts'
import { StepBudget, TooComplex } from '../too-complex.ts'
import { proveCannot } from './cannot.ts'
import { proveEvery } from './every.ts'
import { proveIsolated } from './isolated.ts'
import { proveNoFlow } from './no-flow.ts'
import type { Verdict } from './verdict.ts'

export interface ClaimOutcome {
  readonly claim: Claim
  /** `assumed`: given up, and the claim says why the set may be loaded nevertheless. Never told as proved. */
  readonly verdict: Verdict['kind'] | 'unproved' | 'assumed'
  /** What the operator gave his word for, and the proof rests on. */
  readonly under: readonly string[]
  /** Why the set is not loaded; absent where it may be. */
  readonly problem?: Problem
}

export interface ProveOptions {
  /** `only:` of the configured issuers; absent: they may say anything. */
  readonly limits?: IssuerLimits
  /** Steps that the proof of one claim may take; 50,000,000 are about half a minute. */
  readonly steps?: number
}

/** @example proveClaims(set).every(outcome => outcome.problem === undefined) */
export function proveClaims(
  set: PolicySet,
  { limits, steps = 50_000_000 }: ProveOptions = {},
): readonly ClaimOutcome[] {
  const under = [...set.identities.values()]
    .filter(rule => rule.unique.length > 0)
    .map(rule => `${rule.name}: unique ${rule.unique.join(', ')}`)
  return set.claims.map(claim => {
    try {
      const verdict = prove(worldOf(set, new StepBudget(steps), limits), claim)
      return { claim, verdict: verdict.kind, under, ...problemOf(claim, verdict) }
    } catch (error) {
      if (!(error instanceof TooComplex)) throw error
      return unproved(claim, error.message, under)
    }
  })
}

function prove(world: World, claim: Claim): Verdict {
  if (claim.kind === 'isolated') return proveIsolated(world, claim)
  if (claim.kind === 'noFlow') return proveNoFlow(world, claim)
  return claim.kind === 'every' ? proveEvery(world, claim) : proveCannot(world, claim, claim.kind)
}

function unproved(claim: Claim, why: string, under: readonly string[]): ClaimOutcome {
  if (claim.assume !== undefined) return { claim, verdict: 'assumed', under }
  const sentence = `the claim "${claim.text}" is not proved: ${why}`
  const help = 'narrow it, simplify the rules that it is about, or write `assume: reason` beside it'
  return {
    claim,
    verdict: 'unproved',
    under,
    problem: problem('policy/claim-unproved', sentence, { where: claim.where, help }),
  }
}

function problemOf(claim: Claim, verdict: Verdict): { problem?: Problem } {
  const told = `the claim "${claim.text}"`
  const { where } = claim
  if (verdict.kind === 'proved') return {}
  if (verdict.kind === 'vacuous')
    return {
      problem: problem('policy/claim-vacuous', `${told} says nothing: ${verdict.because}`, {
        where,
        help: 'correct the class or the filter, or take the claim out',
      }),
    }
  if (verdict.kind === 'refuted-by-one') {
    const { who, topic, because } = verdict
    const can = claim.kind === 'every' ? 'cannot' : 'can'
    const verb = 'can' in claim && claim.can.action === 'receive' ? 'be sent' : 'publish to'
    const reason = because === '' ? '' : `, ${because}`
    return refuted(told, `${tellSomeone(who)} ${can} ${verb} ${quote(topic)}${reason}`, [who], claim)
  }
  const steps = verdict.path.map(({ topic, people: [a, b] }) => `${tellActing(a)} and ${tellActing(b)} ${quote(topic)}`)
  return refuted(
    told,
    steps.join('; then '),
    verdict.path.flatMap(({ people }) => people),
    claim,
  )
}

function refuted(told: string, how: string, people: readonly Someone[], { where }: Claim): { problem: Problem } {
  const places = [...new Set(people.flatMap(({ rule }) => (rule === undefined ? [] : formatWhere(rule.where))))]
  return {
    problem: problem('policy/claim-refuted', `${told} does not hold: ${how}`, {
      where,
      help: places.length === 0 ? 'add a rule that allows it' : `by ${places.join(' and ')}`,
    }),
  }
}

/** `device:site=a,device=b with gateway`: as `policy explain` takes it, and the roles beyond the identity's own. */
export function tellSomeone({ identity, captures, roles }: Someone): string {
  const values = [...captures].map(([name, value]) => `${name}=${value}`).join(',')
  const more = [...roles].filter(role => !identity.roles.includes(role))
  return `${identity.name}${values === '' ? '' : `:${values}`}${more.length === 0 ? '' : ` with ${more.join(', ')}`}`
}

function tellActing(who: Someone): string {
  return `${tellSomeone(who)} ${who.direction === 'publish' ? 'can publish' : 'can be sent'}`
}
