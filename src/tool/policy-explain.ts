/** `portcullis policy explain WHO ACTION TOPIC`: what the policy answers, by which rule, or what would have to differ. */
import { type Command, InvalidArgumentError } from 'commander'
import type { Qos } from '../decide/decision.ts'
import type { PolicySet } from '../policy/model.ts'
import { didYouMean } from '../policy/nearest-name.ts'
import { type Problem, problem } from '../problem.ts'
import { loadPolicyFolder } from '../source/folder.ts'
import { issuerNamesOf } from './configured-issuers.ts'
import { exitCodes } from './exit-codes.ts'
import { type CertificateFacts, identifyCertificateFile } from './explain/certificate-identity.ts'
import {
  type ExplainedAction,
  type ExplainedWho,
  type Explanation,
  explain,
  explainedVerbs,
} from './explain/explain.ts'
import { explanationJson, explanationLines } from './explain/explanation-text.ts'
import { parseWho } from './explain/parse-who.ts'
import { addExitCodes } from './help.ts'
import { answer, answerJson, say, sayProblems } from './io.ts'

export interface ExplainOptions {
  readonly qos: Qos
  readonly retain: boolean
  readonly payloadBytes: number
  readonly policies: string
  readonly config?: string
  readonly json?: boolean
}

export type RunExplain = (who: string, verb: string, topic: string, options: ExplainOptions) => Promise<void>

export function addPolicyExplain(policy: Command, run: RunExplain = explainOnce): void {
  addExitCodes(
    policy
      .command('explain')
      .description('say whether WHO may do ACTION on TOPIC, by which rule, or what would have to differ')
      .argument('<who>', 'a certificate file, subject:OU=s1,CN=pump-7 or device:site=s1,device=pump-7')
      .argument('<action>', explainedVerbs.join(', '))
      .argument('<topic>', 'topic name; for subscribe a topic filter, for connect the client id')
      .option('--qos <n>', 'QoS of the message or subscription', parseQos, 0)
      .option('--retain', 'the message is to be retained', false)
      .option('--payload-bytes <n>', 'size of the payload', parseBytes, 0)
      .option('--policies <dir>', 'the policy folder', 'policies')
      .option('--config <file>', 'the configuration: verifies a certificate file against its issuers and CRLs')
      .option('--json', 'answer as JSON')
      .action(run),
    'portcullis policy explain device:site=s1,device=pump-7 publish plant/s1/pump-8/telemetry/temp --qos 1',
  )
}

function parseQos(text: string): Qos {
  if (text === '0' || text === '1' || text === '2') return Number(text) as Qos
  throw new InvalidArgumentError('QoS is 0, 1 or 2.')
}

function parseBytes(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Write a number of bytes.')
}

async function explainOnce(who: string, verb: string, topic: string, options: ExplainOptions): Promise<void> {
  const knownVerb = explainedVerbs.find(known => known === verb)
  if (knownVerb === undefined)
    return refuseUsage(
      problem('tool/bad-action', `there is no action \`${verb}\``, {
        help: didYouMean(verb, explainedVerbs, 'actions'),
      }),
    )
  const { qos, retain, payloadBytes } = options
  const action: ExplainedAction = { verb: knownVerb, topic, qos, retain, payloadBytes }
  // failing tests do not keep anybody from asking why
  const policy = await loadPolicyFolder(options.policies, {
    issuers: await issuerNamesOf(options.config),
    runTests: false,
  })
  const resolved = await resolveWho(who, policy.set, options.config)
  if ('code' in resolved) return refuseUsage(resolved)
  const explanation = explain(policy.set, resolved.who, action)
  if (explanation.problem?.code === 'tool/bad-who') return refuseUsage(explanation.problem)
  if (resolved.certificate !== undefined && options.config === undefined) {
    say('the issuer was not verified, any configured one is assumed: --config FILE verifies it')
  }
  tell(explanation, resolved.certificate, options)
  process.exitCode = explanation.effect === 'permit' ? exitCodes.done : exitCodes.no
}

function refuseUsage(p: Problem): void {
  sayProblems([p])
  process.exitCode = exitCodes.usage
}

async function resolveWho(
  text: string,
  set: PolicySet,
  config: string | undefined,
): Promise<{ who: ExplainedWho; certificate?: CertificateFacts['certificate'] } | Problem> {
  const parsed = parseWho(text)
  if (!parsed.ok) return parsed.problem
  if (parsed.value.kind !== 'file') return { who: parsed.value }
  const { certificate, identity } = await identifyCertificateFile(parsed.value.path, set, { config, nowMs: Date.now() })
  return { who: { kind: 'result', result: identity }, certificate }
}

function tell(
  explanation: Explanation,
  certificate: CertificateFacts['certificate'] | undefined,
  options: ExplainOptions,
): void {
  const subject = certificate?.subjectText
  if (options.json) {
    answerJson({ ...explanationJson(explanation), ...(subject === undefined ? {} : { subject }) })
    return
  }
  const [verdict, ...reasons] = explanationLines(explanation)
  answer(verdict ?? '', explanation.effect === 'permit' ? 'good' : 'bad')
  if (subject !== undefined) answer(`  certificate  ${subject}`)
  for (const line of reasons) answer(line)
}
