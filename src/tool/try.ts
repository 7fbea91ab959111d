/** `portcullis try`: be a device over real TLS for once, see what comes back, and read why. */
import { type Command, InvalidArgumentError } from 'commander'
import type { Qos } from '../decide/decision.ts'
import { formatWhere } from '../problem.ts'
import { exitCodes } from './exit-codes.ts'
import type { ExplainedAction } from './explain/explain.ts'
import { addExitCodes } from './help.ts'
import { answer, say } from './io.ts'
import { type Advice, takeAdvice } from './try/advice.ts'
import { readCredentials } from './try/credentials.ts'
import { Device } from './try/device.ts'
import type { Outcome } from './try/outcome.ts'
import { payloadText } from './try/payload-text.ts'

interface TryOptions {
  readonly as: string
  readonly host: string
  readonly port: number
  readonly qos?: Qos
  readonly retain: boolean
  readonly clientId?: string
  readonly key?: string
  readonly ca?: string
  readonly certs: string
  readonly policies: string
  readonly config?: string
  readonly count?: number
  readonly wait?: number
}

const verbs = ['publish', 'subscribe'] as const
type Verb = (typeof verbs)[number]

export function addTry(program: Command): void {
  addExitCodes(
    program
      .command('try')
      .description('be a device over real TLS: print what came back, and why')
      .argument('<action>', verbs.join(' or '), parseVerb)
      .argument('<topic>', 'topic name; for subscribe a topic filter')
      .argument('[payload]', 'the message to publish', '')
      .requiredOption('--as <who>', 'a name in certs-dev, or a PEM certificate file with its key beside it')
      .option('--host <host>', 'where the broker is', 'localhost')
      .option('--port <number>', 'its TLS port', parsePort, 8883)
      .option('--qos <n>', 'default: 1, or 0 where the policy grants no more', parseQos)
      .option('--retain', 'ask the broker to retain the message', false)
      .option('--client-id <id>', 'default: what the policy gives to this certificate')
      .option('--key <file>', "the certificate's key, where it is not beside it")
      .option(
        '--ca <file>',
        "the CA of the broker's certificate (default: NAME.ca.pem or ca.pem beside the certificate)",
      )
      .option('--certs <dir>', 'where names are looked up', 'certs-dev')
      .option('--policies <dir>', 'the policy folder that the reasons come from', 'policies')
      .option('--config <file>', 'the configuration that the issuers come from')
      .option('--count <n>', 'subscribe: leave after so many messages', parseCount)
      .option('--wait <seconds>', 'subscribe: leave after so long (default: stay until Ctrl-C)', parseSeconds)
      .action(tryOnce),
    'portcullis try --as pump-7 publish plant/s1/pump-7/telemetry/temp 21.5',
  )
}

function parseVerb(text: string): Verb {
  const verb = verbs.find(known => known === text)
  if (verb === undefined) throw new InvalidArgumentError('Write publish or subscribe.')
  return verb
}

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535) return Number(text)
  throw new InvalidArgumentError('A port is a number from 1 to 65535.')
}

function parseQos(text: string): Qos {
  if (/^[012]$/.test(text)) return Number(text) as Qos
  throw new InvalidArgumentError('QoS is 0, 1 or 2.')
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Write a number of messages, 1 or more.')
}

function parseSeconds(text: string): number {
  if (/^\d{1,6}(\.\d+)?$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Write a number of seconds.')
}

async function tryOnce(verb: Verb, topic: string, payload: string, options: TryOptions): Promise<void> {
  const credentials = await readCredentials(options)
  const advice = await takeAdvice(credentials, options)
  const clientId =
    options.clientId ?? advice.clientId(`try-${process.pid}`) ?? credentials.commonName ?? `try-${process.pid}`
  const isPublish = verb === 'publish'
  const asked = {
    verb,
    topic,
    retain: isPublish && options.retain,
    payloadBytes: isPublish ? Buffer.byteLength(payload) : 0,
  }
  const action: ExplainedAction = { ...asked, qos: options.qos ?? advice.qosFor(asked) }
  const device = new Device({ credentials, host: options.host, port: options.port, clientId })
  const outcome = isPublish
    ? await device.publish({ topic, payload, qos: action.qos, retain: action.retain })
    : await listen(device, action, clientId, options)
  tell(outcome, { action, advice, clientId })
}

/** Until enough messages came, the time is over, or Ctrl-C. */
async function listen(
  device: Device,
  { topic, qos }: ExplainedAction,
  clientId: string,
  { count, wait }: TryOptions,
): Promise<Outcome> {
  const leave = new AbortController()
  const stop = (): void => leave.abort()
  process.once('SIGINT', stop).once('SIGTERM', stop)
  let timer: NodeJS.Timeout | undefined
  const outcome = await device.subscribe({
    filter: topic,
    qos,
    count,
    signal: leave.signal,
    onGranted: granted => {
      say(`listening to ${topic} (QoS ${granted}) as ${clientId}${wait === undefined ? '; Ctrl-C ends' : ''}`, 'faint')
      if (wait !== undefined) timer = setTimeout(stop, wait * 1000)
    },
    onMessage: message => answer(`${message.topic} ${payloadText(message.payload)}`),
  })
  clearTimeout(timer)
  process.off('SIGINT', stop).off('SIGTERM', stop)
  return outcome
}

interface Told {
  readonly action: ExplainedAction
  readonly advice: Advice
  readonly clientId: string
}

function tell(outcome: Outcome, told: Told): void {
  const { action, advice } = told
  switch (outcome.kind) {
    case 'permitted': {
      const isDropped =
        action.verb === 'publish' && advice.dropsDeniedPublish && advice.about(action)?.effect === 'refuse'
      if (isDropped) {
        tellRefused('acknowledged, then dropped, as `onDeniedPublish: drop` says', action, told)
        return
      }
      if (action.verb === 'publish') answer(permittedText(action), 'good')
      process.exitCode = exitCodes.done
      return
    }
    case 'refused':
      tellRefused(outcome.wire, outcome.atConnect ? connectAction(told) : action, told)
      return
    case 'failed':
      say(`failed: ${outcome.sentence}`, 'bad')
      process.exitCode = exitCodes.failed
      return
    case 'invalid':
      say(`failed: ${outcome.sentence}`, 'bad')
      say(`  help: ${outcome.help}`)
      process.exitCode = exitCodes.invalid
  }
}

function permittedText({ topic, qos, retain }: ExplainedAction): string {
  const flags = `QoS ${qos}${retain ? ', retained' : ''}`
  return qos === 0
    ? `permitted: the broker took ${topic} (${flags})`
    : `permitted: the broker acknowledged ${topic} (${flags})`
}

function connectAction({ clientId }: Told): ExplainedAction {
  return { verb: 'connect', topic: clientId, qos: 0, retain: false, payloadBytes: 0 }
}

/** One line with the reason and how it came over the wire, then help, then the line to ask again with. */
function tellRefused(wire: string, action: ExplainedAction, { advice }: Told): void {
  process.exitCode = exitCodes.no
  const explanation = advice.about(action)
  const reason = explanation?.problem
  if (reason === undefined) {
    const hint =
      explanation === undefined
        ? "the broker's log has the reason"
        : "the policy here permits it: the broker's log has the reason"
    say(`refused: ${wire}; ${hint}`, 'bad')
  } else {
    const place = reason.where === undefined ? '' : `, ${formatWhere(reason.where)}`
    say(`refused: ${reason.sentence} (${reason.code}${place}; ${wire})`, 'bad')
    if (reason.help !== undefined) say(`  help: ${reason.help}`)
  }
  const explainLine = advice.explainLine(action)
  if (explainLine !== undefined) say(`  ${explainLine}`)
}
