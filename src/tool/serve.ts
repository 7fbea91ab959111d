/** `portcullis serve`: a guarded broker, ready to run. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { shellQuote } from '../policy/shell-quote.ts'
import { ConfigurationError, problem } from '../problem.ts'
import { type DevCerts, ensureDevCerts } from '../provision/dev-certs.ts'
import type { BundleFiles } from '../source/bundle.ts'
import { AdminDesk } from './admin/admin-desk.ts'
import { developmentSocket } from './admin/admin-path.ts'
import { type AdminPlan, openAdmin, planAdmin } from './admin/serve-admin.ts'
import { ChangeTeller } from './change/change-teller.ts'
import { type Configuration, defaultConfigurationFile, loadConfiguration, readTlsFiles } from './configuration.ts'
import { chosenPersistence, type PersistenceOptions } from './configured-persistence.ts'
import { answer, problemLines, say } from './io.ts'
import { openLog } from './open-log.ts'
import { followSignals } from './operate/follow-signals.ts'
import { operateLines } from './operate/operate-lines.ts'
import type { OperateSettings } from './operate/operate-settings.ts'
import { openOperation } from './operate/operation.ts'
import { Reloader } from './operate/reloader.ts'
import { defaultPolicies, type PolicyOptions, policiesOf, policyLine } from './serve-policies.ts'
import { type RunningBroker, startGuarded } from './start-guarded.ts'

interface ServeOptions extends PolicyOptions, PersistenceOptions {
  readonly config?: string
  readonly host?: string
  readonly port?: string
  readonly wsPort?: string
  readonly operatePort?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly log?: string
  readonly admin?: string
  readonly candidate?: string
  readonly reportOnly?: boolean
}

/** Everything that is needed to start, from the command line, the configuration file, or made for development. */
interface ServePlan {
  readonly policies: string | BundleFiles
  readonly host: string | undefined
  readonly port: number
  readonly wsPort: number | undefined
  readonly tls: { readonly certFile: string; readonly keyFile: string }
  readonly operate: OperateSettings
  readonly configuration: Configuration
  readonly devCerts: DevCerts | undefined
  readonly logFile: string | undefined
  readonly admin: AdminPlan | undefined
  readonly reportOnly: boolean
}

const certsFolder = 'certs-dev'
const defaultPort = 8883
/** Beside the default port, and only for development: production says what it opens. */
const developmentWsPort = 8884

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('run a guarded broker: mutual TLS in front, the policy on every path')
    .option('--policies <dir>', `the policy folder (default: "${defaultPolicies}")`)
    .option('--bundle <file>', 'a signed bundle in place of the folder; a newer one is taken when it is there')
    .option('--bundle-key <file>', 'the public key that it must be signed with, PEM')
    .option('--bundle-state <file>', 'where the highest version seen is remembered, so that no older one comes back')
    .option(
      '--config <file>',
      `the configuration (default: ${defaultConfigurationFile} where there is one; else development certificates)`,
    )
    .option('--host <address>', 'address to listen on (default: all)')
    .option('--port <number>', `port to listen on (default: ${defaultPort}; 0 picks a free one)`)
    .option(
      '--ws-port <number>',
      `port for MQTT over WebSocket, wss://HOST:PORT/mqtt (default: none; ${developmentWsPort} with development certificates on port ${defaultPort})`,
    )
    .option(
      '--operate-port <number>',
      'port for /healthz, /readyz and /metrics over HTTP, on this machine only (default: none; 0 picks a free one)',
    )
    .option('--tls-cert <file>', "the broker's certificate chain, PEM")
    .option('--tls-key <file>', 'its key, PEM')
    .option(
      '--candidate <dir>',
      'a policy folder to ask beside the one in force: what it would decide otherwise is logged',
    )
    .option(
      '--report-only',
      'UNSAFE: enforce certificates and client ids, and only log what the policy would refuse of topics',
    )
    .option('--store <dir>', 'keep sessions, queues, retained messages and wills there (default: "portcullis-store")')
    .option('--no-store', 'keep them in memory: they are gone when the broker stops')
    .option('--cluster <url>', 'be one of several nodes on this Redis, such as redis://127.0.0.1:6379')
    .option(
      '--admin <socket>',
      `where to make the admin socket (default: none; ${developmentSocket} with development certificates)`,
    )
    .option('--log <file>', 'append the log to a file as JSON (default: stderr; plain on a terminal)')
    .addHelpText('after', '\nExample: portcullis serve --policies policies --config portcullis.config.yaml')
    .action(serve)
}

async function serve(options: ServeOptions): Promise<void> {
  const plan = await planOf(options)
  const { configuration } = plan
  const log = await openLog(plan.logFile, {
    // the folder of whoever reads the log: a bundle cannot be asked
    policies: typeof plan.policies === 'string' ? plan.policies : defaultPolicies,
    refusalsPerMinute: configuration.log.refusalsPerMinute,
  })
  const desk = new AdminDesk({
    policies: typeof plan.policies === 'string' ? plan.policies : defaultPolicies,
    now: Date.now,
  })
  let teller: ChangeTeller | undefined
  const operation = await openOperation(plan.operate).catch((error: NodeJS.ErrnoException) => {
    throw listenProblem(error, plan) ?? error
  })
  const reloader = new Reloader(event => running.gate.trace(event))
  const running = await startGuarded(
    {
      policies: plan.policies,
      issuers: configuration.issuers ?? {},
      baseFolder: configuration.baseFolder,
      crl: configuration.crl,
      limits: configuration.limits,
      permits: configuration.log.permits,
      keepForDays: configuration.sessions.keepForDays,
      ...(options.candidate === undefined ? {} : { candidate: options.candidate }),
      reportOnly: plan.reportOnly,
      trace: event => {
        log.trace(event)
        desk.trace(event)
        operation.trace(event)
        reloader.trace(event)
        if (event.event === 'policy-loaded') teller?.follow(running.gate.policy)
      },
    },
    {
      port: plan.port,
      ...(plan.host === undefined ? {} : { host: plan.host }),
      tls: plan.tls,
      wsPort: plan.wsPort,
      wsOrigins: configuration.listen.wsOrigins,
      proxyFrom: configuration.listen.proxyFrom,
    },
    { fastPath: configuration.broker.path === 'fast' },
    chosenPersistence(options, configuration.persistence),
  ).catch(async (error: NodeJS.ErrnoException) => {
    await operation.close()
    throw listenProblem(error, plan) ?? error
  })
  const admin = await openAdmin(desk, plan.admin, running, plan.tls.certFile)
  operation.watch(running, running.gate.trace)
  teller = new ChangeTeller(running.gate.policy, log.trace)
  // before anything is said: whoever waits for the first line may send one right away
  followSignals({
    ...{ running, operation, reloader, settings: plan.operate, trace: running.gate.trace },
    close: async () => {
      await Promise.all([teller.close(), desk.close()])
      await log.close()
    },
  })
  if (configuration.broker.path === 'fast' && !running.fastPath) {
    say(
      'this version of aedes is not the one that the fast path was made for: packets take the plain path, which is slower',
    )
  }
  for (const line of [...startLines(plan, running), ...admin, ...operateLines(operation)]) answer(line)
  if (running.gate.policy.bundle?.isFirst)
    say('no bundle of this key was seen here before: whether this one is the newest cannot be told')
  if (plan.reportOnly)
    say('REPORT ONLY: topics are not enforced, and every `would-refuse` of the log was let pass', 'bad')
}

async function planOf(options: ServeOptions): Promise<ServePlan> {
  const loaded = await loadConfiguration(options.config, process.cwd())
  const isDevelopment = loaded.issuers === undefined
  const devCerts = isDevelopment ? await ensureDevCerts(resolve(certsFolder), () => new Date()) : undefined
  const configuration: Configuration =
    devCerts === undefined
      ? loaded
      : {
          ...loaded,
          baseFolder: resolve(certsFolder),
          issuers: { acme: { certificates: ['issuing.pem'], root: 'root.pem', crl: ['acme.crl'] } },
        }
  const certFile = options.tlsCert ?? loaded.tls?.certFile ?? (devCerts && resolve(certsFolder, 'server.pem'))
  const keyFile = options.tlsKey ?? loaded.tls?.keyFile ?? (devCerts && resolve(certsFolder, 'server.key'))
  if (certFile === undefined || keyFile === undefined) {
    throw new ConfigurationError([
      problem('config/missing-key', 'the broker has no certificate and key of its own', {
        help: 'add `tls: { certFile: broker.pem, keyFile: broker.key }`, or pass --tls-cert and --tls-key',
      }),
    ])
  }
  const { notes } = await readTlsFiles({ certFile, keyFile })
  for (const line of notes.flatMap(problemLines)) say(line)
  const port = options.port === undefined ? (loaded.listen?.port ?? defaultPort) : portOf('--port', options.port)
  const standardWsPort = isDevelopment && port === defaultPort ? developmentWsPort : undefined
  return {
    policies: policiesOf(options, loaded.bundle),
    host: options.host ?? loaded.listen?.host,
    port,
    wsPort:
      options.wsPort === undefined ? (loaded.listen.wsPort ?? standardWsPort) : portOf('--ws-port', options.wsPort),
    operate:
      options.operatePort === undefined
        ? loaded.operate
        : { ...loaded.operate, port: portOf('--operate-port', options.operatePort) },
    tls: { certFile, keyFile },
    configuration,
    devCerts,
    logFile: options.log ?? loaded.log?.file,
    admin: planAdmin(options.admin, loaded.adminSocket, isDevelopment),
    reportOnly: options.reportOnly === true,
  }
}

function portOf(option: string, text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65535) return port
  throw new ConfigurationError([
    problem('config/bad-value', `${option} takes a number from 0 to 65535`, { help: `${option} ${defaultPort}` }),
  ])
}

/** What the system says when an address cannot be had, as a sentence and the next thing to type. */
function listenProblem(
  error: NodeJS.ErrnoException & { port?: number },
  { port: mqttPort, wsPort, operate }: ServePlan,
): ConfigurationError | undefined {
  const port = error.port ?? mqttPort
  const option = port === operate.port ? '--operate-port' : port === wsPort ? '--ws-port' : '--port'
  if (error.syscall !== 'listen' && error.syscall !== 'getaddrinfo') return undefined
  if (error.code === 'EADDRINUSE') {
    return new ConfigurationError([
      problem('config/port-in-use', `port ${port} is in use by another process`, {
        help: `stop it, or try \`portcullis serve ${option} ${port + 1}\``,
      }),
    ])
  }
  return new ConfigurationError([
    problem('config/cannot-listen', `port ${port} cannot be listened on (${error.code})`, {
      help: `choose another ${option} or ${port === operate.port ? '`operate.host`' : '--host'}`,
    }),
  ])
}

/** The six lines that `npm start` prints. */
function startLines(
  { policies, port, host, devCerts, configuration, reportOnly }: ServePlan,
  { gate, address, wsAddress }: RunningBroker,
): string[] {
  const { policy } = gate
  const at = `${host ?? 'localhost'}`
  const options = [
    ...(address.port === defaultPort ? [] : [`--port ${address.port}`]),
    ...(at === 'localhost' ? [] : [`--host ${shellQuote(at)}`]),
    ...(typeof policies !== 'string' || policies === defaultPolicies ? [] : [`--policies ${shellQuote(policies)}`]),
  ]
    .map(option => ` ${option}`)
    .join('')
  const first = [
    `guarding mqtts://${at}:${address.port ?? port}${wsAddress === undefined ? '' : ` and wss://${at}:${wsAddress.port}/mqtt`}  (MQTT 3.1.1)${reportOnly ? '  REPORT ONLY: topics are not enforced' : ''}`,
    policyLine(policies, policy),
  ]
  if (devCerts === undefined) {
    return [
      ...first,
      `certs    issuers ${Object.keys(configuration.issuers ?? {}).join(', ')}, ${configuration.file ?? 'from the command line'}`,
      `listen   npx portcullis try${options} --as device.pem --ca root.pem subscribe 'a/topic/#'`,
      `speak    npx portcullis try${options} --as device.pem --ca root.pem publish a/topic hello`,
      `explain  npx portcullis policy explain device.pem publish a/topic`,
    ]
  }
  return [
    ...first,
    `certs    ${certsFolder}/, made for development: ${certNames(devCerts)}`,
    `listen   npx portcullis try${options} --as ops-1 subscribe 'plant/s1/#'`,
    `speak    npx portcullis try${options} --as pump-7 publish plant/s1/pump-7/telemetry/temp 21.5`,
    `trespass npx portcullis try${options} --as pump-7 publish plant/s1/pump-8/telemetry/temp 0     (refused: the reason appears here)`,
  ]
}

/** `pump-7, line-1 (site s1), pump-9 (s2), ops-1, intruder (a foreign CA)` */
function certNames({ names }: DevCerts): string {
  const group = (fits: (n: DevCerts['names'][number]) => boolean): string[] => names.filter(fits).map(n => n.name)
  const plain = (site: string) => group(n => n.site === site && n.revoked !== true && n.foreign !== true).join(', ')
  return [
    `${plain('s1')} (site s1)`,
    `${plain('s2')} (s2)`,
    ...group(n => n.site === undefined && n.foreign !== true),
    ...group(n => n.revoked === true).map(name => `${name} (revoked)`),
    ...group(n => n.foreign === true).map(name => `${name} (a foreign CA)`),
  ].join(', ')
}
