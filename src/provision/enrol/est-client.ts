/** The device's side of EST (RFC 7030): one request over TLS that trusts one root and nothing else. */
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { PortcullisError, problem } from '../../problem.ts'
import type { EstRoute } from './est-server.ts'

/** Where a device asks, and as whom. */
export interface EstPlace {
  /** `https://host:8443`. */
  readonly origin: URL
  /** The only root that may vouch for the service, PEM. */
  readonly rootPem: string
  /** Key and certificate chain, where the device shows one. */
  readonly key?: string
  readonly cert?: string
}

export interface EstQuestion {
  readonly route: EstRoute
  /** A PKCS#10 request, DER: makes it a POST. */
  readonly body?: Buffer
  readonly authorization?: string
}

export interface EstReply {
  readonly status: number
  readonly type: string
  /** The header, as it stands. */
  readonly retryAfter: string | undefined
  readonly body: Buffer
}

const requestMs = 30_000
const mostBytes = 64 * 1024

/** Asks once; no redirection is followed. Rejects with `provision/enrolment-failed` where no answer comes. */
export function askEst(place: EstPlace, { route, body, authorization }: EstQuestion): Promise<EstReply> {
  const { origin, rootPem, key, cert } = place
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => reject(unreachable(origin, error))
    const sent = request(
      new URL(`/.well-known/est/${route}`, origin),
      {
        method: body === undefined ? 'GET' : 'POST',
        agent: false,
        ca: rootPem,
        minVersion: 'TLSv1.2',
        ...(key === undefined || cert === undefined ? {} : { key, cert }),
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/pkcs10' }),
          ...(authorization === undefined ? {} : { authorization }),
        },
        signal: AbortSignal.timeout(requestMs),
      },
      response => void readReply(response).then(resolve, refuse),
    )
    sent.on('error', refuse)
    sent.end(body?.toString('base64'))
  })
}

async function readReply(response: IncomingMessage): Promise<EstReply> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    size += (chunk as Buffer).length
    if (size > mostBytes) throw new Error(`the answer is longer than ${mostBytes} bytes`)
    chunks.push(chunk as Buffer)
  }
  const { statusCode = 0, headers } = response
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return { status: statusCode, type, retryAfter: headers['retry-after'], body: Buffer.concat(chunks) }
}

const sayings: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the name of the host is not known',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate of the service is for another name',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate of the service is not from this authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate of the service is not from this authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate of the service is not from this authority',
  CERT_HAS_EXPIRED: 'the certificate of the service has expired, or the clock here is wrong',
  ABORT_ERR: `no answer within ${requestMs / 1000} s`,
}

function unreachable(origin: URL, error: NodeJS.ErrnoException): PortcullisError {
  const reason = sayings[error.code ?? ''] ?? error.code ?? error.message
  const sentence = `${origin.origin} gave no answer: ${reason}`
  return new PortcullisError([
    problem('provision/enrolment-failed', sentence, { help: 'check the address, and the root given with --ca' }),
  ])
}
