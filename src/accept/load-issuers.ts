/** Reads the CAs of the configuration from their files, with every mistake in one run. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { ConfigurationError, type Problem, problem, type Result } from '../problem.ts'
import { type CaCertificate, readCaCertificate } from './ca-certificate.ts'
import {
  ambiguousCas,
  brokenCaRules,
  type ConfiguredCa,
  chainToRoot,
  isIssuedBy,
  outsideValidity,
  pathOf,
} from './ca-rules.ts'
import { type ConfiguredIssuer, Issuers } from './issuers.ts'

/** One issuer under `issuers:`. File names are relative to the configuration file. */
export interface IssuerConfig {
  /** Issuing CAs, one per file. */
  readonly certificates: readonly string[]
  readonly root: string
  /** CRLs of the issuing CAs, of the root, or of both. */
  readonly crl?: readonly string[] | undefined
  /** What this issuer may say: capture → the values that its certificates may have. */
  readonly only?: Readonly<Record<string, readonly string[]>> | undefined
}

export type IssuersConfig = Readonly<Record<string, IssuerConfig>>

/** What loading reads from; each has the real one as its default. */
export interface IssuersIo {
  readonly readFile?: (path: string) => Promise<Buffer>
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/**
 * Loads and checks the issuers. Throws ConfigurationError with every problem found.
 * @example const issuers = await loadIssuers({ acme: { certificates: ['issuing.pem'], root: 'root.pem' } }, '/etc/portcullis')
 */
export async function loadIssuers(config: IssuersConfig, baseFolder: string, io: IssuersIo = {}): Promise<Issuers> {
  const loading = new Loading(baseFolder, io.readFile ?? (path => readFile(path)))
  const entries = Object.entries(config)
  if (entries.length === 0)
    loading.problems.push(
      problem('config/missing-key', 'no issuer is configured, so that nobody could connect', {
        help: 'name the CA of your devices under `issuers:`',
      }),
    )
  const loaded = await Promise.all(entries.map(([name, one]) => loading.issuer(name, one)))
  const all = loaded.filter(issuer => issuer !== undefined)
  const notes = all.flatMap(issuer => loading.validity(issuer, (io.now ?? Date.now)()))
  const cas = all.flatMap(issuer => [...issuer.cas, issuer.root].map(ca => ca.certificate))
  loading.problems.push(...ambiguousCas(cas), ...sharedCas(all))
  if (loading.problems.length > 0) throw new ConfigurationError(loading.problems)
  return new Issuers(all, notes)
}

/** One run of `loadIssuers`: collects every problem. */
class Loading {
  readonly problems: Problem[] = []
  readonly #baseFolder: string
  readonly #readFile: (path: string) => Promise<Buffer>

  constructor(baseFolder: string, read: (path: string) => Promise<Buffer>) {
    this.#baseFolder = baseFolder
    this.#readFile = read
  }

  async issuer(name: string, config: IssuerConfig): Promise<ConfiguredIssuer | undefined> {
    const [root, ...read] = await Promise.all(
      [config.root, ...config.certificates].map(file => this.#certificate(file)),
    )
    const certificates = read.filter(one => one !== undefined)
    if (config.certificates.length === 0) {
      this.problems.push(
        problem('config/missing-key', `issuer \`${name}\` names no issuing CA`, {
          help: `add it under issuers.${name}.certificates`,
        }),
      )
    }
    if (root === undefined || certificates.length < config.certificates.length) return undefined
    if (!isIssuedBy(root, root)) {
      const help = 'name the self-signed certificate at the end of the chain; TLS accepts no other as an anchor'
      this.problems.push(
        problem('config/not-chained', 'the root is not self-signed', { where: { file: root.file }, help }),
      )
      return undefined
    }
    const cas = this.#chains(certificates, { certificate: root, parent: undefined })
    const crlFiles = (config.crl ?? []).map(file => resolve(this.#baseFolder, file))
    return {
      name,
      cas,
      root: { certificate: root, parent: undefined },
      crlFiles,
      only: new Map(Object.entries(config.only ?? {})),
    }
  }

  #chains(certificates: readonly CaCertificate[], root: ConfiguredCa): readonly ConfiguredCa[] {
    return certificates.flatMap(certificate => {
      const chained = chainToRoot(certificate, certificates, root)
      if (chained !== undefined) return [chained]
      const help = 'name the root that signed it, and any CA between the two under `certificates:`'
      const sentence = `the CA does not chain to ${root.certificate.file}`
      this.problems.push(problem('config/not-chained', sentence, { where: { file: certificate.file }, help }))
      return []
    })
  }

  async #certificate(file: string): Promise<CaCertificate | undefined> {
    const read = await this.#read(file)
    if (read === undefined) return undefined
    const parsed: Result<CaCertificate> = readCaCertificate(read.toString('latin1'), file)
    const broken = parsed.ok ? brokenCaRules(parsed.value) : [parsed.problem]
    this.problems.push(...broken)
    return parsed.ok && broken.length === 0 ? parsed.value : undefined
  }

  async #read(file: string): Promise<Buffer | undefined> {
    try {
      return await this.#readFile(resolve(this.#baseFolder, file))
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? 'no reason given'
      this.problems.push(
        problem('config/unreadable-file', `the CA certificate cannot be read (${reason})`, {
          where: { file },
          help: `file names are relative to ${this.#baseFolder}`,
        }),
      )
      return undefined
    }
  }

  /** A CA that has ended is a note while another works: a restart must not lock the fleet out. With none left it is an error. */
  validity(issuer: ConfiguredIssuer, nowMs: number): readonly Problem[] {
    const ended = issuer.cas.flatMap(ca =>
      pathOf(ca).flatMap(({ certificate }) => {
        const reason = outsideValidity(certificate, nowMs)
        if (reason === undefined) return []
        const help = 'renew the CA, or correct the clock of this machine'
        return [
          {
            ca,
            problem: problem('config/ca-expired', `the validity of this CA of \`${issuer.name}\` ${reason}`, {
              where: { file: certificate.file },
              help,
            }),
          },
        ]
      }),
    )
    const unusable = new Set(ended.map(one => one.ca))
    const problems = [...new Map(ended.map(one => [one.problem.where?.file, one.problem])).values()]
    if (issuer.cas.length === 0 || unusable.size < issuer.cas.length) return problems
    this.problems.push(...problems)
    return []
  }
}

/** One CA under two names: its leaves would belong to either, with different rights. */
function sharedCas(all: readonly ConfiguredIssuer[]): readonly Problem[] {
  const owner = new Map<string, string>()
  const problems: Problem[] = []
  for (const { name, cas } of all) {
    for (const { certificate } of cas) {
      const other = owner.get(certificate.fingerprint)
      if (other !== undefined) {
        const sentence =
          other === name ? `issuer \`${name}\` names this CA twice` : `both \`${other}\` and \`${name}\` name this CA`
        problems.push(
          problem('config/ambiguous-ca', sentence, {
            where: { file: certificate.file },
            help: 'name every issuing CA once',
          }),
        )
      }
      owner.set(certificate.fingerprint, name)
    }
  }
  return problems
}
