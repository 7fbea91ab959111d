/** An enrolment service on real TLS for tests: its authority in a folder, a policy, and a client that sends whatever it likes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import type { Listener } from '../../src/accept/listener.ts'
import type { PolicySet } from '../../src/policy/model.ts'
import { PortcullisError, type Result } from '../../src/problem.ts'
import { issueLeaf } from '../../src/provision/authority.ts'
import { createCa, type OpenCa, openCa } from '../../src/provision/ca-folder.ts'
import { writeRequest } from '../../src/provision/csr-writer.ts'
import { readCertsOnly } from '../../src/provision/enrol/certs-only.ts'
import { openEnrolKey } from '../../src/provision/enrol/enrol-key.ts'
import { defaultEstLimits, type EstLimits } from '../../src/provision/enrol/est-limits.ts'
import { type EstServiceOptions, openEstService } from '../../src/provision/enrol/est-service.ts'
import { issueToken } from '../../src/provision/enrol/issue-token.ts'
import { createKeys, type KeyPair, keyPem, toPem } from '../../src/provision/keys.ts'
import { encodeName, type SubjectAttribute } from '../../src/provision/names.ts'
import type { TraceEvent } from '../../src/trace.ts'
import { setOf } from './policy-set.ts'

export const plantPolicy: PolicySet = setOf(`
identities:
  device: { from: { subject.ou: "\${site}", subject.cn: "\${device}" }, unique: [device], clientId: "\${device}", roles: [sensor] }
roles:
  sensor: { allow: [{ publish: "plant/\${site}/\${device}/#" }] }
`)

export interface Reply {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** A device with a certificate. */
export interface Enrolled {
  readonly keys: KeyPair
  /** Key, and certificate with the CA behind it, PEM. */
  readonly key: string
  readonly cert: string
  readonly der: Buffer
}

/** Whoever is opened is to be closed. */
export class EstUnderTest {
  /** What the clock of the service is ahead. */
  aheadMs = 0
  policy: PolicySet = plantPolicy
  readonly events: TraceEvent[] = []
  readonly folder: string
  ca!: OpenCa
  tokenKey!: KeyPair
  rootPem = ''
  port = 0
  #listeners: Listener[] = []

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'portcullis-est-'))
  }

  readonly now = (): Date => new Date(Date.now() + this.aheadMs)

  async open(): Promise<this> {
    const options = { now: this.now, by: 'ops@test', busyMs: 800 }
    const made = { name: 'acme', keyType: 'p256', rootDays: 7300, issuingDays: 3650, crlDays: 30 } as const
    await createCa(join(this.folder, 'ca'), { ...made, passphrase: undefined }, options)
    this.ca = await openCa(join(this.folder, 'ca'), undefined, options)
    this.tokenKey = await openEnrolKey(this.ca, undefined)
    this.rootPem = this.ca.rootPem
    this.port = await this.serve()
    return this
  }

  /** One more service of the same authority. */
  async serve(limits: Partial<EstLimits> = {}, more: Partial<EstServiceOptions> = {}): Promise<number> {
    const day = 86_400_000
    const { authority } = this.ca
    const server = issueLeaf(authority, {
      profile: 'server',
      subject: [['CN', 'est']],
      sans: { dns: ['localhost'], ip: ['127.0.0.1'] },
      notBefore: new Date(Date.now() - day),
      notAfter: new Date(Date.now() + 30 * day),
    })
    const listener = await openEstService(
      { port: 0, host: '127.0.0.1' },
      {
        ca: this.ca,
        tokenKey: this.tokenKey.publicKey,
        policy: () => ({ set: this.policy, issuer: { name: 'acme', only: new Map() } }),
        tls: { key: server.keyPem, cert: server.pem + authority.pem },
        limits: { ...defaultEstLimits, perAddressPerMinute: 1e6, perNamePerMinute: 1e6, ...limits },
        days: 100,
        supersede: false,
        crlDays: 30,
        trace: event => this.events.push(event),
        ...more,
      },
    )
    this.#listeners.push(listener)
    return listener.address.port
  }

  async close(): Promise<void> {
    await Promise.all(this.#listeners.map(listener => listener.close()))
    this.ca.ledger.close()
    rmSync(this.folder, { recursive: true })
  }

  async token(name: string, site = 's1', validMs = 3_600_000): Promise<string> {
    const identity = { kind: 'device', captures: new Map(Object.entries({ site, device: name })) }
    const policy = { set: this.policy, issuer: { name: 'acme', only: new Map<string, readonly string[]>() } }
    return must(await issueToken(this.ca, this.tokenKey, { policy, identity, name, validMs })).token
  }

  /** A first certificate, over the wire. */
  async enrolled(name: string, keys = createKeys()): Promise<Enrolled> {
    const reply = await this.enrol(name, await this.token(name), requestOf(name, keys))
    return this.certificateIn(reply, keys)
  }

  certificateIn(reply: Reply, keys: KeyPair): Enrolled {
    if (reply.status !== 200) throw new Error(`${reply.status} ${reply.body}`)
    const [der] = readCertsOnly(Buffer.from(reply.body, 'base64'))
    if (der === undefined) throw new Error('no certificate')
    return { keys, key: keyPem(keys.privateKey), cert: toPem('CERTIFICATE', der) + this.ca.issuingPem, der }
  }

  enrol(name: string, token: string, body: string | Buffer, more: Partial<Sent> = {}): Promise<Reply> {
    const authorization = `Basic ${Buffer.from(`${name}:${token}`).toString('base64')}`
    return this.send({ path: 'simpleenroll', headers: { authorization }, body: base64(body), ...more })
  }

  reenrol(device: Pick<Enrolled, 'key' | 'cert'> | undefined, body: string | Buffer, more: Partial<Sent> = {}) {
    const tls = device === undefined ? {} : { key: device.key, cert: device.cert }
    return this.send({ path: 'simplereenroll', body: base64(body), tls, ...more })
  }

  /** A request with a body is a POST of PKCS#10. */
  async send({ path, method, headers = {}, body, ...more }: Partial<Sent> & { readonly path: string }): Promise<Reply> {
    const lines = Object.entries({
      host: 'localhost',
      ...(body === undefined ? {} : { 'content-type': 'application/pkcs10', 'content-length': `${body.length}` }),
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`)
    const target = path.startsWith('/') || path.startsWith('http') ? path : `/.well-known/est/${path}`
    const verb = method ?? (body === undefined ? 'GET' : 'POST')
    return parseReply(await this.raw(`${verb} ${target} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`, more))
  }

  /** Sends these bytes, and gives all that comes back until the service closes. */
  async raw(bytes: string, { tls = {}, port, from, onSocket }: Partial<Sent> = {}): Promise<string> {
    const socket = connect({
      host: '127.0.0.1',
      port: port ?? this.port,
      servername: 'localhost',
      ca: this.rootPem,
      ...(from === undefined ? {} : { localAddress: from }),
      ...tls,
    } as ConnectionOptions)
    onSocket?.(socket)
    let text = ''
    socket.on('data', chunk => {
      text += chunk
    })
    socket.on('error', () => undefined)
    socket.once('secureConnect', () => socket.write(bytes))
    await new Promise<void>(resolve => socket.once('close', () => resolve()))
    return text
  }

  /** Codes of what the log was told is refused. */
  get refusals(): readonly string[] {
    return this.events.flatMap(event => (event.event === 'enrol-refused' ? [event.problem.code] : []))
  }
}

export interface Sent {
  readonly path: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly tls: ConnectionOptions
  readonly port: number
  /** Own address. */
  readonly from: string
  readonly onSocket: (socket: TLSSocket) => void
}

export function parseReply(text: string): Reply {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [first = '', ...lines] = head.split('\r\n')
  const headers = lines.map(
    line => [line.split(': ', 1)[0]?.toLowerCase() ?? '', line.replace(/^[^:]*: /, '')] as const,
  )
  return { status: Number(first.split(' ')[1] ?? 0), headers: new Map(headers), body: rest.join('\r\n\r\n') }
}

/** A signing request, DER, that asks for the names of the plant. */
export function requestOf(
  name: string,
  keys: KeyPair,
  subject: readonly SubjectAttribute[] = [
    ['OU', 's1'],
    ['CN', name],
  ],
) {
  return writeRequest(keys, { subjectName: encodeName(subject) })
}

function base64(body: string | Buffer): string {
  return typeof body === 'string' ? body : body.toString('base64')
}

export function must<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw new PortcullisError([result.problem])
}
