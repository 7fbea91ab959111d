/** A small fleet for audits: a real authority with a clock that tests set, a log by the real writer, and sessions. */
import type { KeyObject } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { logTrace } from '../../src/observe/log.ts'
import { ConfigurationError, problem } from '../../src/problem.ts'
import { type Audit, auditFleet } from '../../src/prove/audit/audit-fleet.ts'
import type { AuditedAuthority } from '../../src/prove/audit/evidence.ts'
import { GrantUse } from '../../src/prove/audit/grant-use.ts'
import type { SignedCertificate } from '../../src/provision/authority.ts'
import { type NewCa, type OpenCa, readCa } from '../../src/provision/ca-folder.ts'
import { issueThroughLedger, type LeafPlan } from '../../src/provision/issue-leaf.ts'
import { createKeys, keyHashOf } from '../../src/provision/keys.ts'
import { gatherAuthority } from '../../src/tool/audit/gather-authority.ts'
import { gatherLog } from '../../src/tool/audit/gather-log.ts'
import { parseSessions } from '../../src/tool/audit/read-sessions.ts'
import type { TracedPeer, TraceEvent } from '../../src/trace.ts'
import { CaWorkbench, dayMs } from './ca-workbench.ts'
import { fingerprintOf, oddCertificate } from './pki.ts'
import { must, setOf } from './policy-set.ts'

const policy = `
identities:
  device: { from: { subject.cn: "\${device}" }, except: { subject.cn: ["valve-1", "banned"] }, clientId: "\${device}", roles: [sensor] }
  valve: { from: { subject.cn: "valve-\${n}" }, clientId: "valves/\${n}", roles: [mute] }
roles:
  sensor: { allow: [{ publish: "plant/\${device}/state" }] }
  mute: { deny: [{ publish: "plant/#" }] }
`

export interface Member {
  readonly name: string
  readonly identity: string
  readonly signed: SignedCertificate
  readonly fingerprint: string
}

export interface Odd {
  readonly name: string
  readonly identity?: string
  readonly profile?: 'device' | 'server'
  readonly issuerKeyId?: string
  readonly keys?: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  readonly hash?: 'sha1' | 'sha256'
  readonly days?: number
}

export interface AuditInputs {
  readonly policies?: boolean
  readonly log?: boolean
  readonly sessions?: boolean
  readonly isOnlyIssuer?: boolean
  /** Keys of CAs that the configuration does not know. */
  readonly unconfigured?: readonly string[]
}

export class AuditBench {
  readonly workbench = new CaWorkbench()
  readonly start: number = this.workbench.nowMs
  readonly lines: string[] = []
  readonly sessions: Record<string, unknown>[] = []
  policy: string = policy
  #ca: OpenCa | undefined
  #serial = 0
  readonly #trace = logTrace({
    format: 'json',
    policies: 'policies',
    now: () => this.workbench.now,
    write: line => this.lines.push(line),
  })

  get ca(): OpenCa {
    if (this.#ca === undefined) throw new Error('the authority is not created')
    return this.#ca
  }

  /** At the start, with a log that begins then. */
  async create(more: Partial<NewCa> = {}): Promise<void> {
    this.#ca = await this.workbench.create(more)
    this.trace({ event: 'policy-loaded', revision: '0', rules: 1, tests: 0 })
  }

  /** Days after the start. */
  at(days: number): void {
    this.workbench.nowMs = this.start + days * dayMs
  }

  async issue(name: string, days = 300, identity = `device:device=${name}`): Promise<Member> {
    const { publicKey } = createKeys()
    const nowMs = this.workbench.nowMs
    const plan: LeafPlan = {
      profile: 'device',
      ...{ name, identity, clientIds: [name], publicKey, subject: [['CN', name]], sans: {} },
      holds: [`identity ${identity}`, `key ${keyHashOf(publicKey)}`],
      notBefore: new Date(nowMs - 300_000),
      notAfter: new Date(nowMs + days * dayMs),
    }
    const nothing = async (): Promise<void> => undefined
    const stage = async () => ({ publish: nothing, discard: nothing })
    const { signed } = must(await issueThroughLedger(this.ca, plan, { renew: false, stage }))
    return { name, identity, signed, fingerprint: fingerprintOf(signed.der) }
  }

  /** What no sane authority has in its ledger. */
  issueOdd({ name, profile = 'device', issuerKeyId = this.ca.issuerKeyId, days = 300, ...odd }: Odd): Member {
    const keys = odd.keys ?? createKeys()
    const identity = odd.identity ?? `device:device=${name}`
    const notAfter = new Date(this.workbench.nowMs + days * dayMs)
    const serialHex = (0x4000 + this.#serial++).toString(16)
    const der = oddCertificate({
      ...{
        keys,
        by: this.ca.authority,
        subject: [[['2.5.4.3', Buffer.concat([Buffer.from([0x0c, name.length]), Buffer.from(name)])]]],
      },
      ...{ notAfter, notBefore: new Date(this.workbench.nowMs - 300_000), serial: Buffer.from(serialHex, 'hex') },
      ...(odd.hash === undefined ? {} : { hash: odd.hash }),
    })
    const keyHash = keyHashOf(keys.publicKey)
    const reserved = this.ca.ledger.reserve({
      ...{ profile, name, issuerKeyId, serialHex, keyHash, notAfter, clientIds: [name], holds: [], renew: true },
      identity: profile === 'server' ? undefined : identity,
    })
    this.ca.ledger.issue(must(reserved), der)
    const signed = { der, pem: '', serialHex, notBefore: notAfter, notAfter }
    return { name, identity, signed, fingerprint: fingerprintOf(der) }
  }

  trace(event: TraceEvent): void {
    this.#trace(event)
  }

  peer({ fingerprint, identity, name }: Omit<Member, 'signed'>, address = '192.0.2.1'): TracedPeer {
    return { address, fingerprint, who: identity, clientId: name }
  }

  connected(one: Omit<Member, 'signed'>, address?: string): void {
    this.trace({ event: 'connected', peer: this.peer(one, address), revision: '0' })
  }

  disconnected(one: Omit<Member, 'signed'>, address?: string): void {
    this.trace({ event: 'disconnected', peer: this.peer(one, address) })
  }

  permitted(one: Omit<Member, 'signed'>, topic = `plant/${one.name}/state`): void {
    const action = { verb: 'publish', topic, qos: 0, retain: false, payloadBytes: 1 } as const
    this.trace({ event: 'permitted', peer: this.peer(one), action, rules: [], revision: '0' })
  }

  /** A live session, by fingerprint. */
  session(
    one: Omit<Member, 'signed' | 'fingerprint'> & Partial<Member>,
    more: Readonly<Record<string, unknown>> = {},
  ): void {
    const { name: clientId, identity, fingerprint } = one
    this.sessions.push({ clientId, identity, state: 'live', address: '192.0.2.1', fingerprint, ...more })
  }

  /** As the command does it, at the time that it is now. */
  async audit({
    policies = true,
    log = true,
    sessions = true,
    isOnlyIssuer,
    unconfigured = [],
  }: AuditInputs = {}): Promise<Audit> {
    const now = this.workbench.nowMs
    const set = setOf(this.policy)
    const issuerOf = async (keyId: string) => {
      if (!unconfigured.includes(keyId)) return { name: 'acme', only: new Map<string, readonly string[]>() }
      throw new ConfigurationError([problem('provision/not-configured', 'no issuer of the configuration is its CA')])
    }
    const folder = await readCa(this.workbench.path)
    const under = policies ? { set, issuerOf } : undefined
    const gathered = await gatherAuthority(folder, this.ca.ledger, under, now)
    const authority: AuditedAuthority = { ...gathered, isOnlyIssuer }
    const use = policies ? new GrantUse(set) : undefined
    const file = join(this.workbench.folder, 'decisions.log')
    writeFileSync(file, this.lines.join(''))
    const facts = log ? (await gatherLog([file], use)).facts : undefined
    return auditFleet({
      ...{ now, within: 30 * dayMs, authority, options: { ca: '', policies: '' } },
      ...(use === undefined ? {} : { unusedGrants: use.unused() }),
      ...(facts === undefined ? {} : { log: facts }),
      ...(sessions ? { sessions: must(parseSessions(JSON.stringify(this.sessions))) } : {}),
    })
  }

  close(): void {
    this.workbench.close()
  }
}
