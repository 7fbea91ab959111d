/** The authority of a chaos run, and who has which certificate: everything by `portcullis/provision`, as an operator's program would. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type CertificateAuthority,
  createCertificateAuthority,
  createKeys,
  formatProblem,
  keyPem,
  loadPolicyFolder,
  openCertificateAuthority,
  type PolicySet,
  type Result,
} from '../../src/provision-api.ts'
import type { Credentials } from '../support/raw-client.ts'
import { allOpen, policyText, type Rules, type Who } from './rules.ts'

const access = { by: 'chaos@test' }

const configuration = `listen: { host: 127.0.0.1, port: 0 }
tls: { certFile: broker.pem, keyFile: broker.key }
issuers:
  acme: { certificates: [ca/issuing.pem], root: ca/root.pem, crl: [ca/acme.crl] }
limits: { queuedMessages: 1000000, queuedBytes: 1073741824, deniedPerMinute: 100000, unauthenticatedPerAddress: 1000 }
log: { permits: none, refusalsPerMinute: 1000000 }
`

function taken<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(formatProblem(result.problem))
  return result.value
}

export class Fleet {
  readonly folder: string
  readonly #authority: CertificateAuthority
  readonly #set: PolicySet
  readonly #root: string

  constructor(folder: string, authority: CertificateAuthority, set: PolicySet) {
    this.folder = folder
    this.#authority = authority
    this.#set = set
    this.#root = authority.facts.rootPem
  }

  /** A folder that brokers can be started in: policies, authority, their own certificate and the configuration. */
  static async make(folder: string): Promise<Fleet> {
    mkdirSync(join(folder, 'policies'))
    writeFileSync(join(folder, 'policies', 'chaos.yaml'), policyText(allOpen, 0))
    writeFileSync(join(folder, 'portcullis.config.yaml'), configuration)
    await createCertificateAuthority(join(folder, 'ca'), { ...access, name: 'acme' })
    const authority = await openCertificateAuthority(join(folder, 'ca'), access)
    const keys = createKeys('p256')
    const plan = authority.planServer({ name: 'broker', dns: ['localhost'], publicKey: keys.publicKey })
    const { chainPem } = taken(await authority.issue(plan))
    writeFileSync(join(folder, 'broker.pem'), chainPem)
    writeFileSync(join(folder, 'broker.key'), keyPem(keys.privateKey), { mode: 0o600 })
    const { set } = await loadPolicyFolder(join(folder, 'policies'), { issuers: ['acme'] })
    return new Fleet(folder, authority, set)
  }

  async issue(who: Who): Promise<Credentials> {
    const { wish, key } = this.#wish(who)
    return this.#credentials(taken(await this.#authority.issue(taken(this.#authority.planDevice(wish)))), key)
  }

  /** `supersede`: the old one is on the CRL when this resolves. */
  async renew(who: Who, supersede: boolean): Promise<Credentials> {
    const { wish, key } = this.#wish(who)
    return this.#credentials(taken(await this.#authority.renew(wish, { supersede })), key)
  }

  /** Every certificate of the name is on the CRL when this resolves. */
  async revoke(who: Who): Promise<void> {
    await this.#authority.revoke(this.#authority.ofName(who.name), 'unspecified')
  }

  /** Writes the policy as a careful editor does. */
  async writePolicy(rules: Rules, edit: number): Promise<void> {
    const file = join(this.folder, 'policies', 'chaos.yaml')
    await writeFile(join(this.folder, 'policies', '.chaos.yaml.new'), policyText(rules, edit))
    await rename(join(this.folder, 'policies', '.chaos.yaml.new'), file)
  }

  /** How many certificates the list has. */
  get listed(): number {
    return this.#authority.list().filter(({ state }) => state === 'revoked' || state === 'superseded').length
  }

  close(): void {
    this.#authority.close()
  }

  #wish({ role, name }: Who) {
    const keys = createKeys('p256')
    const kind = role === 'device' ? { kind: 'device', captures: { site: 's1' } } : { kind: 'staff' }
    return { wish: { set: this.#set, name, publicKey: keys.publicKey, ...kind }, key: keyPem(keys.privateKey) }
  }

  #credentials({ chainPem }: { readonly chainPem: string }, key: string): Credentials {
    return { key, cert: chainPem, ca: this.#root }
  }
}
