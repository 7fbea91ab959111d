/** `portcullis policy prove [DIR]`: proves the claims of a policy folder, one line each, or shows a counterexample. */
import type { Command } from 'commander'
import { formatWhere } from '../problem.ts'
import { type ClaimOutcome, proveClaims } from '../prove/claims/prove-claims.ts'
import { loadPolicyFolder } from '../source/folder.ts'
import { issuerOptionsOf } from './configured-issuers.ts'
import { exitCodes } from './exit-codes.ts'
import { addExitCodes } from './help.ts'
import { answer, answerJson, count, problemLines, say } from './io.ts'

interface ProveOptions {
  readonly config?: string
  readonly json?: boolean
}

export function addPolicyProve(policy: Command): void {
  addExitCodes(
    policy
      .command('prove')
      .description(
        'prove the claims of a policy folder for every certificate that there can be, or show who breaks them',
      )
      .argument('[dir]', 'the policy folder', 'policies')
      .option('--config <file>', 'the configuration: claims are proved for what its issuers may say (`only:`)')
      .option('--json', 'answer as JSON')
      .action(prove),
    'portcullis policy prove policies',
  )
}

async function prove(folder: string, options: ProveOptions): Promise<void> {
  const { limits, ...issuers } = await issuerOptionsOf(options.config)
  const { set, folder: shown } = await loadPolicyFolder(folder, { ...issuers, runTests: false })
  const outcomes = proveClaims(set, limits === undefined ? {} : { limits })
  if (options.json) answerJson(asJson(outcomes))
  else tell(outcomes, shown)
  if (outcomes.some(hasFailed)) process.exitCode = exitCodes.no
}

function hasFailed({ problem }: ClaimOutcome): boolean {
  return problem !== undefined
}

/** A reader must never take one for the other. */
const words: Readonly<Record<ClaimOutcome['verdict'], string>> = {
  proved: 'proved  ',
  assumed: 'ASSUMED ',
  unproved: 'UNPROVED',
  vacuous: 'VACUOUS ',
  refuted: 'REFUTED ',
  'refuted-by-one': 'REFUTED ',
}

function tell(outcomes: readonly ClaimOutcome[], folder: string): void {
  for (const outcome of outcomes) {
    answer(`${words[outcome.verdict]}  ${outcome.claim.text}`, hasFailed(outcome) ? 'bad' : 'good')
    if (outcome.problem !== undefined) for (const line of problemLines(outcome.problem)) answer(`          ${line}`)
    if (outcome.verdict === 'assumed')
      answer(`          not proved; ${formatWhere(outcome.claim.where)} says: ${outcome.claim.assume}`)
  }
  if (outcomes.length === 0) {
    say(`there are no claims in ${folder}: add \`claims:\` to a file *.test.yaml`)
    return
  }
  const proved = outcomes.filter(outcome => outcome.verdict === 'proved').length
  const under = [...new Set(outcomes.flatMap(outcome => outcome.under))]
  say(`${proved} of ${count(outcomes.length, 'claim')} proved`, proved === outcomes.length ? 'good' : 'bad')
  if (under.length > 0)
    say(`on the operator's word that two certificates with these are one device: ${under.join('; ')}`)
}

function asJson(outcomes: readonly ClaimOutcome[]): unknown {
  return {
    proved: outcomes.every(outcome => outcome.verdict === 'proved'),
    claims: outcomes.map(({ claim, verdict, under, problem }) => ({
      claim: claim.text,
      where: claim.where,
      verdict: verdict === 'refuted-by-one' ? 'refuted' : verdict,
      under,
      ...(claim.assume === undefined ? {} : { assume: claim.assume }),
      ...(problem === undefined ? {} : { problem }),
    })),
  }
}
