/** `portcullis policy explain WHO ACTION TOPIC`, or `--log LINE` of what was decided before: what the policy answers, by which rule, or what would have to differ. */
import { type Command, InvalidArgumentError } from 'commander'
import type { Qos } from '../decide/decision.ts'
import type { LoggedDecision } from '../observe/read-log.ts'
import type { PolicySet } from '../policy/model.ts'
import { didYouMean } from '../policy/nearest-name.ts'
import { ConfigurationError, type Problem, problem } from '../problem.ts'
import { type LoadedPolicy, loadPolicyFolder } from '../source/folder.ts'
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
import { findLoggedDecision } from './explain/logged-line.ts'
import { parseWho } from './explain/parse-who.ts'
import { askedByLog, type ThenAndNow, thenAndNow, thenAndNowLines } from './explain/then-and-now.ts'
import { waysOf } from './explain/ways.ts'
import { addExitCodes } from './help.ts'
import { answer, answerJson, say, sayProblems } from './io.ts'

export interface ExplainOptions {
  readonly qos: Qos
  readonly retain: boolean
  readonly payloadBytes: number
  readonly policies: string
  readonly config?: string
  readonly json?: boolean
  readonly log?: string
}

export type RunExplain = (who: string, verb: string, topic: string, options: ExplainOptions) => Promise<void>

export function addPolicyExplain(policy: Command, run: RunExplain = explainOnce): void {
  addExitCodes(
    policy
      .command('explain')
      .description('say whether WHO may do ACTION on TOPIC, by which rule, or what would have to differ')
      .usage('[options] <who> <action> <topic> | [options] --log <line>')
      .argument('[who]', 'a certificate file, subject:OU=s1,CN=pump-7 or device:site=s1,device=pump-7')
      .argument('[action]', explainedVerbs.join(', '))
      .argument('[topic]', 'topic name; for subscribe a topic filter, for connect the client id')
      .option('--qos <n>', 'QoS of the message or subscription', parseQos, 0)
      .option('--retain', 'the message is to be retained', false)
      .option('--payload-bytes <n>', 'size of the payload', parseBytes, 0)
      .option('--policies <dir>', 'the policy folder', 'policies')
      .option('--config <file>', 'the configuration: verifies a certificate file against its issuers and CRLs')
      .option(
        '--log <line>',
        'instead of WHO ACTION TOPIC: a line of the decision log as text, FILE:N, FILE or - (its last decision)',
      )
      .option('--json', 'answer as JSON')
      .action((...given: Given) => explainGiven(given, run)),
    'portcullis policy explain device:site=s1,device=pump-7 publish plant/s1/pump-8/telemetry/temp --qos 1',
  )
}

type Text = string | undefined
type Given = [who: Text, verb: Text, topic: Text, options: ExplainOptions, command: Command]

/** Either WHO ACTION TOPIC or `--log`, whose line says all of it. */
async function explainGiven([who, verb, topic, options, command]: Given, run: RunExplain): Promise<void> {
  if (options.log === undefined) {
    const missing = [who, verb, topic].indexOf(undefined)
    if (who !== undefined && verb !== undefined && topic !== undefined) return run(who, verb, topic, options)
    return command.error(`error: missing required argument '${['who', 'action', 'topic'][missing]}'`)
  }
  const doubled = ['qos', 'retain', 'payloadBytes'].filter(name => command.getOptionValueSource(name) === 'cli')
  if (who !== undefined || doubled.length > 0)
    command.error(
      'error: --log says who, what and how: WHO ACTION TOPIC, --qos, --retain and --payload-bytes go without it',
    )
  await explainLogged(options.log, options)
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
  const policy = await loadPolicy(options)
  const resolved = await resolveWho(who, policy.set, options.config)
  if ('code' in resolved) return refuseUsage(resolved)
  const explanation = explain(policy.set, resolved.who, action)
  if (explanation.problem?.code === 'tool/bad-who') return refuseUsage(explanation.problem)
  if (resolved.certificate !== undefined && options.config === undefined) {
    say('the issuer was not verified, any configured one is assumed: --config FILE verifies it')
  }
  tell(policy.set, explanation, { subject: resolved.certificate?.subjectText }, options)
}

async function explainLogged(argument: string, options: ExplainOptions): Promise<void> {
  const logged = await findLoggedDecision(argument)
  const policy = await loadPolicy(options)
  const { who, action } = askedByLog(logged)
  const explanation = explain(policy.set, who, action)
  if (explanation.problem?.code === 'tool/bad-who') throw nobodyNow(logged, explanation.problem)
  tell(policy.set, explanation, { log: thenAndNow(policy, logged, explanation) }, options)
}

/** What a certificate would be now, nobody can say from the identity that it was. */
function nobodyNow({ line }: LoggedDecision, { sentence }: Problem): ConfigurationError {
  return new ConfigurationError([
    problem('tool/no-decision', `line ${line} is about an identity that these policies do not have: ${sentence}`, {
      help: 'ask with the certificate: `portcullis policy explain CERTIFICATE.pem ACTION TOPIC`',
    }),
  ])
}

/** Failing tests do not keep anybody from asking why. */
async function loadPolicy({ policies, config }: ExplainOptions): Promise<LoadedPolicy> {
  return loadPolicyFolder(policies, { issuers: await issuerNamesOf(config), runTests: false })
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

/** Where the question came from. */
interface Source {
  readonly subject?: string | undefined
  readonly log?: ThenAndNow
}

function tell(set: PolicySet, explanation: Explanation, { subject, log }: Source, options: ExplainOptions): void {
  process.exitCode = explanation.effect === 'permit' ? exitCodes.done : exitCodes.no
  const ways = waysOf(set, explanation)
  if (options.json) {
    const source = { ...(subject === undefined ? {} : { subject }), ...(log === undefined ? {} : { log }) }
    answerJson({ ...explanationJson(explanation, ways), ...source })
    return
  }
  const [verdict, ...reasons] = explanationLines(explanation, ways)
  answer(verdict ?? '', explanation.effect === 'permit' ? 'good' : 'bad')
  if (subject !== undefined) answer(`  certificate  ${subject}`)
  if (log !== undefined) for (const line of thenAndNowLines(log)) answer(line)
  for (const line of reasons) answer(line)
}
