/** `portcullis try`: be a device over real TLS; prints what came back, and why. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { connectAsync, type MqttClient } from 'mqtt'
import { explainCommand } from '../observe/explain-command.ts'
import { ConfigurationError, formatWhere, problem } from '../problem.ts'
import { loadPolicyFolder } from '../source/folder.ts'
import type { TracedAction } from '../trace.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { identifyCertificateFile } from './explain/certificate-identity.ts'
import { type ExplainedAction, explain } from './explain/explain.ts'
import { addExitCodes } from './help.ts'
import { answer, say } from './io.ts'
import { connackTexts, wireText } from './wire-text.ts'

interface TryOptions {
  readonly as: string
  readonly host: string
  readonly port: number
  readonly qos?: 0 | 1 | 2
  readonly retain: boolean
  readonly clientId?: string
  readonly key?: string
  readonly ca?: string
  readonly certs: string
  readonly policies: string
  readonly count?: number
  readonly wait?: number
}

/** Who the user is for this try, and what the policy on this machine says about them. */
interface Self {
  readonly cert: string
  readonly key: string
  readonly ca: string
  readonly clientId: string
  /** Why the policy refuses this; undefined where it permits, or cannot be asked. */
  readonly why: (action: ExplainedAction) => string | undefined
  /** The QoS that the policy grants for this, 1 at most. */
  readonly qos: (action: ExplainedAction) => 0 | 1
}

const verbs = ['publish', 'subscribe'] as const

function number(low: number, high: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= low && value <= high) return value
    throw new InvalidArgumentError(`Write a number from ${low} to ${high}.`)
  }
}

export function addTry(program: Command): void {
  addExitCodes(
    program
      .command('try')
      .description('be a device over real TLS: publish or subscribe once, and see what comes back and why')
      .argument('<action>', verbs.join(' or '))
      .argument('<topic>', 'topic name; for subscribe a topic filter')
      .argument('[payload]', 'what to publish', '')
      .requiredOption('--as <name>', 'a name in certs-dev/, or a certificate file with its key beside it')
      .option('--host <host>', 'where the broker is', 'localhost')
      .option('--port <n>', 'its port', number(1, 65_535), 8883)
      .option('--qos <n>', 'QoS (default: 1, or 0 where the policy grants no more)', number(0, 2))
      .option('--retain', 'publish as a retained message', false)
      .option('--client-id <id>', "client id (default: the one of the policy's template)")
      .option('--key <file>', 'key of the certificate (default: the file of the same name with .key)')
      .option('--ca <file>', 'root certificate of the broker (default: ca.pem in --certs)')
      .option('--certs <dir>', 'where names are looked up', 'certs-dev')
      .option('--policies <dir>', 'the policy folder, for the client id and the reason', 'policies')
      .option('--count <n>', 'subscribe: leave after this many messages', number(1, 1_000_000))
      .option('--wait <seconds>', 'subscribe: leave after this time (default: stay until Ctrl-C)', number(1, 86_400))
      .action(tryOnce),
    'portcullis try --as pump-7 publish plant/s1/pump-7/telemetry/temp 21.5',
  )
}

async function tryOnce(verb: string, topic: string, payload: string, options: TryOptions): Promise<void> {
  if (verb !== 'publish' && verb !== 'subscribe') {
    say(`there is no action ${verb}: publish or subscribe`, 'bad')
    process.exitCode = exitCodes.usage
    return
  }
  const self = await selfOf(options)
  const asked: ExplainedAction = {
    verb,
    topic,
    qos: options.qos ?? 1,
    retain: options.retain,
    payloadBytes: Buffer.byteLength(payload),
  }
  const action = { ...asked, qos: options.qos ?? self.qos(asked) }
  const attempt = new Attempt(self, options)
  process.exitCode = await attempt.run(action, payload)
}

/** A path or a file of certificates; else a name in certs-dev/. */
function isCertificateFile(as: string): boolean {
  return /[/\\]|\.(pem|crt|cer)$/.test(as)
}

async function readText(file: string, what: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigurationError([
      problem('config/unreadable-file', `the ${what} cannot be read (${error.code})`, {
        where: { file },
        help: 'start the broker once with `npm start` to make certs-dev/, or name another file',
      }),
    ])
  })
}

function commonName(cert: string): string {
  try {
    const name: unknown = new X509Certificate(cert).toLegacyObject().subject?.CN
    return typeof name === 'string' ? name : 'unknown'
  } catch {
    // the file is told as unreadable by whoever parses it strictly
    return 'unknown'
  }
}

async function selfOf(options: TryOptions): Promise<Self> {
  const certFile = isCertificateFile(options.as) ? options.as : join(options.certs, `${options.as}.pem`)
  const keyFile = options.key ?? certFile.replace(/\.(pem|crt|cer)$/, '.key')
  const [cert, key, ca] = await Promise.all([
    readText(certFile, 'certificate'),
    readText(keyFile, 'key'),
    readText(options.ca ?? join(options.certs, 'ca.pem'), 'CA certificate'),
  ])
  const policy = await loadPolicyFolder(options.policies, { runTests: false }).catch(() => undefined)
  if (policy === undefined) {
    say(
      `${options.policies}/ does not load here: the reason of a refusal is in the broker's log only (portcullis policy check)`,
    )
    return { cert, key, ca, clientId: options.clientId ?? commonName(cert), why: () => undefined, qos: () => 1 }
  }
  const { identity } = await identifyCertificateFile(certFile, policy.set, { config: undefined, nowMs: Date.now() })
  const ask = (action: ExplainedAction) => explain(policy.set, { kind: 'result', result: identity }, action)
  const template = ask({ verb: 'connect', topic: '', qos: 0, retain: false, payloadBytes: 0 }).clientIds[0]
  return {
    cert,
    key,
    ca,
    clientId: options.clientId ?? template?.replace('+', `try-${process.pid}`) ?? commonName(cert),
    why: action => {
      const { effect, problem: p } = ask(action)
      if (effect === 'permit' || p === undefined) return undefined
      return `${p.sentence}${p.where ? ` (${formatWhere(p.where)})` : ''}${p.help ? `; ${p.help}` : ''}`
    },
    qos: action => {
      const { grantedQos, effect } = ask(action)
      if (grantedQos !== undefined) return grantedQos === 0 ? 0 : 1
      return effect === 'refuse' && ask({ ...action, qos: 0 }).effect === 'permit' ? 0 : 1
    },
  }
}

class Attempt {
  readonly #self: Self
  readonly #options: TryOptions

  constructor(self: Self, options: TryOptions) {
    this.#self = self
    this.#options = options
  }

  async run(action: ExplainedAction, payload: string): Promise<ExitCode> {
    let client: MqttClient
    try {
      const { host, port } = this.#options
      const { cert, key, ca, clientId } = this.#self
      client = await connectAsync(
        `mqtts://${host}:${port}`,
        { cert, key, ca, clientId, protocolVersion: 4, reconnectPeriod: 0, connectTimeout: 15_000 },
        false,
      )
    } catch (error) {
      return this.#connectFailed(error as NodeJS.ErrnoException & { code?: unknown })
    }
    client.on('error', () => undefined)
    try {
      return action.verb === 'publish'
        ? await this.#publish(client, action, payload)
        : await this.#subscribe(client, action)
    } finally {
      client.end(true)
    }
  }

  #connectFailed(error: Error & { code?: unknown }): ExitCode {
    const { host, port } = this.#options
    if (error.code === 'ECONNREFUSED' || error.code === 'ENOTFOUND' || error.code === 'ETIMEDOUT') {
      say(`no broker at ${host}:${port}: start one with \`npm start\`, or name it with --host and --port`, 'bad')
      return exitCodes.failed
    }
    const action: ExplainedAction = {
      verb: 'connect',
      topic: this.#self.clientId,
      qos: 0,
      retain: false,
      payloadBytes: 0,
    }
    const wire =
      typeof error.code === 'number'
        ? `CONNACK ${error.code}: ${connackTexts[error.code] ?? 'unknown'}`
        : wireText(error)
    return this.#refused(action, wire)
  }

  async #publish(client: MqttClient, action: ExplainedAction, payload: string): Promise<ExitCode> {
    const { topic, qos, retain } = action
    const closed = closeOf(client)
    // QoS 0 has no answer: a ping behind it has one, and is answered only if the connection lives on
    const sent = client
      .publishAsync(topic, payload, { qos, retain })
      .then(() => (qos === 0 ? pinged(client) : ('done' as const)))
    sent.catch(() => undefined)
    if ((await Promise.race([sent, closed])) === 'closed')
      return this.#refused(action, 'the broker closed the connection without an acknowledgement')
    answer(
      qos === 0
        ? `sent: ${topic} (QoS 0: nobody acknowledges it, and the connection stayed open)`
        : `permitted: the broker acknowledged ${topic} (QoS ${qos})`,
      'good',
    )
    return exitCodes.done
  }

  async #subscribe(client: MqttClient, action: ExplainedAction): Promise<ExitCode> {
    const { topic, qos } = action
    const { count, wait } = this.#options
    let seen = 0
    const enough = new Promise<'enough'>(resolve => {
      client.on('message', (name, payload) => {
        answer(`${name} ${payload.toString()}`)
        seen += 1
        if (seen === count) resolve('enough')
      })
      if (wait !== undefined) setTimeout(() => resolve('enough'), wait * 1000)
      process.once('SIGINT', () => resolve('enough'))
    })
    const closed = closeOf(client)
    const granted = await Promise.race([client.subscribeAsync(topic, { qos }).catch(() => []), closed])
    if (granted === 'closed') return this.#refused(action, 'the broker closed the connection')
    const [grant] = granted
    if (grant === undefined || grant.qos > 2) return this.#refused(action, 'SUBACK 0x80')
    say(`subscribed to ${topic} (QoS ${grant.qos}) as ${this.#self.clientId}; Ctrl-C leaves`)
    if ((await Promise.race([enough, closed])) === 'enough') return exitCodes.done
    say('the broker closed the connection', 'bad')
    return exitCodes.failed
  }

  #refused(action: ExplainedAction, wire: string): ExitCode {
    const why =
      this.#self.why(action) ??
      'the policy on this machine permits it: the broker’s log has its reason (certificate, revocation, another policy)'
    say(`refused: ${why} [${wire}]`, 'bad')
    const traced: TracedAction = {
      verb: action.verb as TracedAction['verb'],
      topic: action.topic,
      qos: action.qos,
      retain: action.retain,
      payloadBytes: action.payloadBytes,
    }
    const { as, certs, policies } = this.#options
    const line = explainCommand(
      { address: '', who: isCertificateFile(as) ? as : join(certs, `${as}.pem`) },
      traced,
      policies,
    )
    if (line !== undefined) say(`  ${line}`)
    return exitCodes.no
  }
}

function closeOf(client: MqttClient): Promise<'closed'> {
  return new Promise(resolve => client.once('close', () => resolve('closed')))
}

/** Resolves when the broker has answered a ping; the close of the connection ends the wait elsewhere. */
function pinged(client: MqttClient): Promise<'done'> {
  return new Promise(resolve => {
    client.on('packetreceive', packet => {
      if (packet.cmd === 'pingresp') resolve('done')
    })
    client.sendPing()
  })
}
