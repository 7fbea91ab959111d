/** `portcullis enroll serve`: the enrolment service, for as long as it runs. */

import { X509Certificate } from 'node:crypto'
import { type Command, InvalidArgumentError } from 'commander'
import type { Listener } from '../../accept/listener.ts'
import { readTlsFiles } from '../../accept/tls-files.ts'
import { defaultRefusalsPerMinute } from '../../observe/budget.ts'
import { shellQuote } from '../../policy/shell-quote.ts'
import { ConfigurationError, PortcullisError, problem } from '../../problem.ts'
import type { OpenCa } from '../../provision/ca-folder.ts'
import { openEnrolKey } from '../../provision/enrol/enrol-key.ts'
import { defaultEstLimits } from '../../provision/enrol/est-limits.ts'
import { caCertificates, openEstService } from '../../provision/enrol/est-service.ts'
import type { LoadedPolicy } from '../../source/load-texts.ts'
import { folderSource, reloadPolicies } from '../../source/policy-source.ts'
import { watchFiles } from '../../source/watch-files.ts'
import type { Trace } from '../../trace.ts'
import { shownPath } from '../ca/ca-text.ts'
import { defaultCrlDays } from '../ca/crl.ts'
import { addSigningOptions, ledgerOptions, parseDays, type SigningOptions, withCa } from '../ca/open.ts'
import { issuerOptionsOf } from '../configured-issuers.ts'
import { addPolicyOptions, issuerIn, type PolicyOptions } from '../device/context.ts'
import { addExitCodes } from '../help.ts'
import { answer, problemLines, say } from '../io.ts'
import { openLog } from '../open-log.ts'

interface ServeOptions extends SigningOptions, PolicyOptions {
  readonly port: number
  readonly host?: string
  readonly tlsCert: string
  readonly tlsKey: string
  readonly days: number
  readonly supersede?: boolean
  readonly crlDays: number
  readonly perAddress: number
  readonly perName: number
  readonly log?: string
}

const defaultPort = 8443
/** The service answers nobody while it waits for another command to let go of the ledger. */
const ledgerBusyMs = 2000

export function addEnrollServe(enroll: Command): void {
  addExitCodes(
    addPolicyOptions(
      addSigningOptions(
        enroll
          .command('serve')
          .description('run the enrolment service: EST (RFC 7030) behind TLS, tokens and certificates'),
      ),
    )
      .option('--host <address>', 'address to listen on (default: all)')
      .option('--port <number>', 'port to listen on; 0 picks a free one', parsePort, defaultPort)
      .requiredOption('--tls-cert <file>', "the service's own certificate chain, of `ca server`")
      .requiredOption('--tls-key <file>', 'its key')
      .option('--days <n>', 'validity of the certificates', parseDays, 365)
      .option('--supersede', 'a renewal puts the certificate before it on the CRL at once')
      .option('--crl-days <n>', 'with --supersede: until when the next CRL must be there', parseDays, defaultCrlDays)
      .option(
        '--per-address <n>',
        'requests of one address in a minute',
        parseCount,
        defaultEstLimits.perAddressPerMinute,
      )
      .option('--per-name <n>', 'requests of one device in a minute', parseCount, defaultEstLimits.perNamePerMinute)
      .option('--log <file>', 'append the log to a file as JSON (default: stderr; plain on a terminal)')
      .action(serve),
    'portcullis enroll serve --port 8443 --tls-cert enroll.pem --tls-key enroll.key',
  )
}

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return Number(text)
  throw new InvalidArgumentError('Write a number from 0 to 65535.')
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Write a number from 1 to 999999.')
}

async function serve(options: ServeOptions): Promise<void> {
  const ledger = { ...ledgerOptions(), busyMs: ledgerBusyMs }
  await withCa(options, (ca, passphrase) => run(ca, passphrase, options), ledger)
  process.exit(0)
}

async function run(ca: OpenCa, passphrase: string | undefined, options: ServeOptions): Promise<void> {
  const files = { certFile: options.tlsCert, keyFile: options.tlsKey }
  const { notes, ...tls } = await readTlsFiles(files)
  for (const line of notes.flatMap(problemLines)) say(line)
  const issuer = await issuerIn(options, ca)
  const loading = await issuerOptionsOf(options.config)
  const source = folderSource(options.policies)
  let policy: LoadedPolicy = await source.load(loading)
  const log = await openLog(options.log, { policies: options.policies, refusalsPerMinute: defaultRefusalsPerMinute })
  const { trace } = log
  const { host, days, crlDays, supersede = false } = options
  const listener = await openEstService(
    { port: options.port, host },
    {
      ca,
      tokenKey: (await openEnrolKey(ca, passphrase)).publicKey,
      policy: () => ({ set: policy.set, issuer }),
      tls,
      limits: {
        ...defaultEstLimits,
        perAddressPerMinute: options.perAddress,
        perNamePerMinute: options.perName,
      },
      days,
      supersede,
      crlDays,
      trace,
    },
  ).catch((error: NodeJS.ErrnoException) => {
    throw listenProblem(error, options.port) ?? error
  })
  const watchers = [
    await source.watch(async () => {
      const next = await reloadPolicies(source, loading)
      if ('problems' in next) trace({ event: 'policy-refused', problems: next.problems, revision: policy.revision })
      else if (next.policy.revision !== policy.revision) {
        policy = next.policy
        trace({ event: 'policy-loaded', revision: policy.revision, rules: policy.rules, tests: policy.tests })
      }
    }),
    await watchFiles([files.certFile, files.keyFile], () => void reloadTls(files, listener, ca, trace)),
  ]
  for (const line of startLines(options, policy, listener.address.port)) answer(line)
  await new Promise<void>(resolve => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
  await Promise.all([listener.close(), ...watchers.map(watcher => watcher.close())])
  await log.close()
}

/** A pair that would not do for a start is told, and the one in force stays. */
async function reloadTls(
  files: { readonly certFile: string; readonly keyFile: string },
  listener: Listener,
  ca: OpenCa,
  trace: Trace,
): Promise<void> {
  try {
    const { key, cert } = await readTlsFiles(files)
    listener.use({ key, cert, ca: caCertificates(ca) })
    const { subject, validTo } = new X509Certificate(cert)
    trace({
      event: 'certificate-loaded',
      subject: subject.replaceAll('\n', ', '),
      notAfter: new Date(validTo).toISOString(),
    })
  } catch (error) {
    if (!(error instanceof PortcullisError)) throw error
    for (const p of error.problems) trace({ event: 'alarm', problem: p })
  }
}

function listenProblem(error: NodeJS.ErrnoException, port: number): ConfigurationError | undefined {
  if (error.syscall !== 'listen' && error.syscall !== 'getaddrinfo') return undefined
  const p =
    error.code === 'EADDRINUSE'
      ? problem('config/port-in-use', `port ${port} is in use by another process`, {
          help: `stop it, or try --port ${port + 1}`,
        })
      : problem('config/cannot-listen', `port ${port} cannot be listened on (${error.code})`, {
          help: 'choose another --port or --host',
        })
  return new ConfigurationError([p])
}

/** What to type next. */
function startLines({ ca, host = 'localhost', policies }: ServeOptions, policy: LoadedPolicy, port: number): string[] {
  const url = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  const [identity] = policy.set.identities.values()
  const others = (identity?.captures ?? []).slice(0, -1).map(capture => ` --set ${capture}=…`)
  const at = ca === 'ca' ? '' : ` --ca ${shellQuote(ca)}`
  const root = shellQuote(`${shownPath(ca)}/root.pem`)
  return [
    `enrolling at ${url}/.well-known/est  (EST, RFC 7030)`,
    `policy   ${shownPath(policies)}/, ${policy.rules} rules, ${policy.tests} tests passed, revision ${policy.revision}: edit and save, it reloads`,
    `token    portcullis enroll token NAME${others.join('')} --out NAME.token${at}`,
    `device   portcullis enroll request ${url} NAME --token-file NAME.token --ca ${root}`,
    `renew    portcullis enroll request ${url} --renew NAME.pem --ca ${root}`,
    `tokens   portcullis enroll list${at}`,
  ]
}
