/** What is told of one session, as a row of a list and in full. */
import { parseCertificate } from '../../authenticate/certificate.ts'
import type { Guarded } from '../../enforce/aedes/index.ts'
import type { Gate } from '../../gate.ts'
import { identityText } from '../../policy/identity-text.ts'
import { rightsHolderOf } from '../../policy/rights-holder.ts'

/** Where sessions are looked up. */
export interface SessionSource {
  readonly gate: Gate
  readonly inspect: Guarded['inspect']
}

export interface SessionRow {
  readonly clientId: string
  /** `device:site=s1,device=pump-7`; null where the policy in force knows its owner no more. */
  readonly identity: string | null
  readonly state: 'live' | 'kept'
  /** Null where it is not connected. */
  readonly address: string | null
  /** When it connected, ISO 8601. */
  readonly since: string | null
  /** End of its certificate, ISO 8601; null where its owner is nobody any more. */
  readonly notAfter: string | null
  readonly subscriptions: number
  /** Messages at QoS 1 and 2 that wait for it. */
  readonly queued: number
}

export interface SessionDetail extends Omit<SessionRow, 'subscriptions' | 'queued'> {
  /** Whether anything is kept of it when it is not connected. */
  readonly clean: boolean
  readonly certificate: {
    readonly subject: string
    readonly sha256: string
    readonly serial: string
    /** Its name in the configuration; null where no configured CA signed it any more. */
    readonly issuer: string | null
    readonly issuerName: string
    readonly notBefore: string
  } | null
  readonly revision: string | null
  readonly roles: readonly string[]
  readonly subscriptions: readonly { readonly filter: string; readonly qos: number }[]
  readonly queued: { readonly messages: number; readonly bytes: number }
  /** Since it connected; null where it is not connected. */
  readonly decided: { readonly permits: number; readonly refusals: number } | null
}

type Found = NonNullable<ReturnType<Gate['sessions']['find']>>

const iso = (time: number): string => new Date(time).toISOString()

/** Undefined where the session has gone meanwhile. */
export async function sessionRow(source: SessionSource, clientId: string): Promise<SessionRow | undefined> {
  const found = source.gate.sessions.find(clientId)
  if (found === undefined) return undefined
  const { subscriptions, queued } = await source.inspect(clientId)
  return { ...common(clientId, found), subscriptions: subscriptions.length, queued: queued.messages }
}

/** Undefined where there is no such session. */
export async function sessionDetail(source: SessionSource, clientId: string): Promise<SessionDetail | undefined> {
  const { gate } = source
  const found = gate.sessions.find(clientId)
  if (found === undefined) return undefined
  const { live, kept } = found
  const side = await source.inspect(clientId)
  const mapping = live?.mapping ?? kept?.mapping
  const holder = mapping && rightsHolderOf(gate.policy.set, mapping.identity)
  return {
    ...common(clientId, found),
    clean: live?.clean ?? false,
    certificate: certificateOf(gate, live?.peer.leafDer ?? kept?.owner.leafDer),
    revision: mapping?.revision ?? null,
    roles: holder?.ok ? holder.value.roles : [],
    subscriptions: side.subscriptions.map(({ topic, qos }) => ({ filter: topic, qos })),
    queued: side.queued,
    decided: side.decided ?? null,
  }
}

function common(clientId: string, { live, kept }: Found): Omit<SessionRow, 'subscriptions' | 'queued'> {
  const mapping = live?.mapping ?? kept?.mapping
  // of one that is nobody any more the certificate would have to be read: too long for a list
  const notAfter = live?.notAfter ?? kept?.mapping?.notAfter
  return {
    clientId,
    identity: mapping === undefined ? null : identityText(mapping.identity),
    state: live === undefined ? 'kept' : 'live',
    address: live?.peer.address ?? null,
    since: live === undefined ? null : iso(live.since),
    notAfter: notAfter === undefined ? null : iso(notAfter),
  }
}

function certificateOf(gate: Gate, leafDer: Buffer | undefined): SessionDetail['certificate'] {
  const parsed = leafDer && parseCertificate(leafDer)
  if (leafDer === undefined || !parsed?.ok) return null
  const { subjectText, fingerprint, serial, issuerText, notBefore } = parsed.value
  return {
    subject: subjectText,
    sha256: fingerprint,
    serial,
    issuer: gate.issuers.findIssuer(leafDer, fingerprint)?.name ?? null,
    issuerName: issuerText,
    notBefore: iso(notBefore),
  }
}
