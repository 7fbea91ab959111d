/**
 * portcullis.config.yaml: whose certificates count, where to listen, what the limits are. Strict: an unknown key or an
 * impossible value is an error with its place, and one run tells all of them. File names are relative to the file.
 */
import { readFile } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'
import { type Limits, limitNames, limitTable, resolveLimits } from '../accept/limits.ts'
import type { IssuersConfig } from '../accept/load-issuers.ts'
import { isAddressRange } from '../accept/proxy-protocol.ts'
import { defaultRevocationSettings, type RevocationSettings } from '../accept/revocation.ts'
import { keyPermissionNotes, type TlsFiles } from '../accept/tls-files.ts'
import { defaultKeepForDays } from '../gate-options.ts'
import { readYaml } from '../policy/read-yaml.ts'
import { Report } from '../policy/report.ts'
import { ConfigurationError, formatProblem, problem } from '../problem.ts'
import type { BundleFiles } from '../source/bundle.ts'
import { Mistakes, Section } from './configuration-reader.ts'
import { readAdmin } from './configured-admin.ts'
import { readBundleFiles } from './configured-bundle.ts'
import { readIssuers } from './configured-cas.ts'
import { type LogSettings, readLog } from './configured-log.ts'
import { type Persistence, readPersistence } from './configured-persistence.ts'
import { type OperateSettings, readOperate } from './operate/operate-settings.ts'

export { readTlsFiles, type TlsFiles } from '../accept/tls-files.ts'

export const defaultConfigurationFile = 'portcullis.config.yaml'

export interface Configuration {
  /** The file, absolute; undefined where there is none and everything is a default. */
  readonly file: string | undefined
  /** Its folder: what the file names in `issuers` are relative to. */
  readonly baseFolder: string
  readonly listen: {
    readonly host: string | undefined
    readonly port: number
    /** Port of MQTT over WebSocket; undefined where there is none. */
    readonly wsPort: number | undefined
    readonly wsOrigins: readonly string[]
    /** Load balancers that send PROXY headers; undefined where there are none. */
    readonly proxyFrom?: readonly string[] | undefined
  }
  /** How packets go through the broker (`GuardOptions.fastPath`). */
  readonly broker: { readonly path: BrokerPath }
  /** Absolute file names; undefined where the file has no `tls:`. */
  readonly tls: TlsFiles | undefined
  /** Undefined only where there is no file: a file must name its issuers. */
  readonly issuers: IssuersConfig | undefined
  /** Absolute file names of a signed bundle; undefined where policies come from a folder. */
  readonly bundle: BundleFiles | undefined
  readonly limits: Limits
  readonly log: LogSettings
  /** Absolute; undefined where the broker has no admin socket. */
  readonly adminSocket: string | undefined
  readonly crl: RevocationSettings
  readonly sessions: {
    /** Days that a session stays kept after the end of the certificate that left it. */
    readonly keepForDays: number
  }
  /** Where sessions, queues, retained messages and wills are kept. */
  readonly persistence: Persistence
  readonly operate: OperateSettings
  /** Worth telling, but no reason not to start. */
  readonly notes: readonly string[]
}

/** A configuration that a file holds: such a one names its issuers. */
export interface FileConfiguration extends Configuration {
  readonly file: string
  readonly issuers: IssuersConfig
}

const defaultPort = 8883
/** `plain` uses public parts of the broker only. */
export type BrokerPath = 'fast' | 'plain'
const pathChoices: readonly BrokerPath[] = ['fast', 'plain']
const staleChoices: readonly RevocationSettings['onStaleCrl'][] = ['keep', 'refuseNew']
/** Ten years: a grace that is longer is a slip. */
const longestGraceHours = 87_600
/** Ten years. */
const longestKeepDays = 3_650
const knownKeys = [
  'listen',
  'broker',
  'tls',
  'issuers',
  'policies',
  'limits',
  'log',
  'crl',
  'sessions',
  'persistence',
  'admin',
  'operate',
  'persistence',
]

/**
 * Reads the configuration; without `path`, `portcullis.config.yaml` in `cwd`, and the defaults without issuers where there is
 * no such file. Throws ConfigurationError with every mistake, or where the file named by `path` is missing.
 * @example const configuration = await loadConfiguration(undefined, process.cwd())
 */
export function loadConfiguration(path: string, cwd: string): Promise<FileConfiguration>
export function loadConfiguration(path: string | undefined, cwd: string): Promise<Configuration>
export async function loadConfiguration(path: string | undefined, cwd: string): Promise<Configuration> {
  const file = resolve(cwd, path ?? defaultConfigurationFile)
  const shown = displayPath(file, cwd)
  const source = await readSource(file, shown)
  if (source === undefined && path === undefined) return defaultsIn(cwd)
  if (source === undefined) {
    const help = 'check the path after --config'
    throw new ConfigurationError([problem('config/missing-file', `there is no configuration file ${shown}`, { help })])
  }
  const mistakes = new Mistakes()
  const top = readTop(source, shown, mistakes)
  const configuration = top === undefined ? undefined : readConfiguration(top, file, mistakes)
  if (configuration === undefined || mistakes.all.length > 0) throw new ConfigurationError(inFileOrder(mistakes))
  const notes = configuration.tls === undefined ? [] : await keyPermissionNotes(configuration.tls.keyFile)
  return { ...configuration, notes: notes.map(formatProblem) }
}

function defaultsIn(cwd: string): Configuration {
  return {
    file: undefined,
    baseFolder: resolve(cwd),
    listen: readListen(undefined),
    broker: readBroker(undefined),
    tls: undefined,
    issuers: undefined,
    bundle: undefined,
    limits: readLimits(undefined),
    log: readLog(undefined, cwd),
    adminSocket: undefined,
    crl: readCrl(undefined),
    sessions: readSessions(undefined),
    persistence: readPersistence(undefined, cwd),
    operate: readOperate(undefined),
    notes: [],
  }
}

/** How a person in `cwd` would write the path. */
function displayPath(file: string, cwd: string): string {
  const near = relative(cwd, file)
  return near === '' || near.startsWith('..') ? file : near
}

/** Undefined where there is no such file. */
async function readSource(file: string, shown: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    const help = 'name the file itself, and check its permissions'
    throw new ConfigurationError([
      problem('config/unreadable-file', `the configuration cannot be read (${code})`, { where: { file: shown }, help }),
    ])
  }
}

/** The YAML rules are those of policy files; their problems are told under one code. */
function readTop(source: string, shown: string, mistakes: Mistakes): Section | undefined {
  const report = new Report()
  const node = readYaml(source, shown, report)
  for (const { sentence, where, help } of report.sorted()) {
    mistakes.add('config/yaml', sentence, where ?? { file: shown }, help?.replace('a policy file', 'a configuration'))
  }
  if (node === undefined || node.kind === 'broken') return undefined
  if (node.kind === 'map') return new Section('', node, mistakes)
  return mistakes.add('config/bad-value', 'the configuration must be a map', node.where, 'begin with `issuers:`')
}

function inFileOrder(mistakes: Mistakes): ConfigurationError['problems'] {
  return mistakes.all.toSorted(
    (a, b) => (a.where?.line ?? 0) - (b.where?.line ?? 0) || (a.where?.column ?? 0) - (b.where?.column ?? 0),
  )
}

function readConfiguration(top: Section, file: string, mistakes: Mistakes): Omit<FileConfiguration, 'notes'> {
  const baseFolder = dirname(file)
  top.allow(...knownKeys)
  top.require(
    'issuers',
    'name the CA of your devices: issuers: { acme: { certificates: [issuing.pem], root: root.pem } }',
  )
  return {
    file,
    baseFolder,
    listen: readListen(top.section('listen')),
    broker: readBroker(top.section('broker')),
    tls: readTls(top.section('tls'), baseFolder),
    issuers: readIssuers(top.section('issuers'), mistakes),
    bundle: readBundleFiles(top.section('policies'), baseFolder),
    limits: readLimits(top.section('limits')),
    log: readLog(top.section('log'), baseFolder),
    adminSocket: readAdmin(top.section('admin'), baseFolder),
    crl: readCrl(top.section('crl')),
    sessions: readSessions(top.section('sessions')),
    persistence: readPersistence(top.section('persistence'), baseFolder),
    operate: readOperate(top.section('operate')),
  }
}

function readListen(section: Section | undefined): Configuration['listen'] {
  section?.allow('host', 'port', 'wsPort', 'wsOrigins', 'proxyFrom')
  const wsOrigins = section?.texts('wsOrigins') ?? []
  for (const origin of wsOrigins) {
    // as a browser sends it: scheme, host and port, and nothing behind
    if (!/^https?:\/\/[^/\s]+$/.test(origin))
      section?.bad('wsOrigins', 'a list of web origins', 'such as https://panel.example')
  }
  const proxyFrom = section?.texts('proxyFrom')
  for (const range of proxyFrom ?? []) {
    if (!isAddressRange(range)) {
      const help = 'such as 10.0.0.5, 10.1.0.0/16 or "2001:db8::/32"'
      section?.bad('proxyFrom', `a list of addresses and CIDR ranges, not \`${range}\``, help)
    }
  }
  return {
    host: section?.text('host'),
    port: section?.number('port', 0, 65_535) ?? defaultPort,
    wsPort: section?.number('wsPort', 0, 65_535),
    wsOrigins,
    ...(proxyFrom === undefined ? {} : { proxyFrom }),
  }
}

function readBroker(section: Section | undefined): Configuration['broker'] {
  section?.allow('path')
  return { path: section?.word('path', pathChoices) ?? 'fast' }
}

function readTls(section: Section | undefined, baseFolder: string): TlsFiles | undefined {
  if (section === undefined) return undefined
  section.allow('keyFile', 'certFile')
  section.require('keyFile', 'name the PEM file of the private key of the server')
  section.require('certFile', 'name the PEM file of the certificate of the server')
  const [keyFile, certFile] = [section.text('keyFile'), section.text('certFile')]
  if (keyFile === undefined || certFile === undefined) return undefined
  return { keyFile: resolve(baseFolder, keyFile), certFile: resolve(baseFolder, certFile) }
}

function readLimits(section: Section | undefined): Limits {
  section?.allow(...limitNames)
  const given = limitNames.map(name => [name, section?.number(name, 1, limitTable[name].maximum)] as const)
  return resolveLimits(Object.fromEntries(given))
}

function readCrl(section: Section | undefined): RevocationSettings {
  section?.allow('onStaleCrl', 'crlGraceHours')
  return {
    onStaleCrl: section?.word('onStaleCrl', staleChoices) ?? defaultRevocationSettings.onStaleCrl,
    crlGraceHours: section?.number('crlGraceHours', 0, longestGraceHours) ?? defaultRevocationSettings.crlGraceHours,
  }
}

function readSessions(section: Section | undefined): Configuration['sessions'] {
  section?.allow('keepForDays')
  return { keepForDays: section?.number('keepForDays', 0, longestKeepDays) ?? defaultKeepForDays }
}
