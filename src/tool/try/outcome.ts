/** How a try ended, and the sentence for each way in which a broker, TLS or the network can say no. */

export type Outcome =
  | { readonly kind: 'permitted' }
  /** The broker said no; `wire` is how. */
  | { readonly kind: 'refused'; readonly wire: string; readonly atConnect: boolean }
  /** Nobody said no, but it did not work. */
  | { readonly kind: 'failed'; readonly sentence: string }
  /** The files on this side are to blame. */
  | { readonly kind: 'invalid'; readonly sentence: string; readonly help: string }

/** MQTT 3.1.1 table 3.1. */
const connackMeanings: Readonly<Record<number, string>> = {
  1: 'unacceptable protocol version',
  2: 'identifier rejected',
  3: 'server unavailable',
  4: 'bad user name or password',
  5: 'not authorized',
}

export function connackRefusal(code: number): Outcome {
  return { kind: 'refused', wire: `CONNACK ${code}, ${connackMeanings[code] ?? 'unknown code'}`, atConnect: true }
}

/** The connection ended before it should; the last error on it, if any, says more. */
export function closedOutcome(
  state: { readonly isSecure: boolean; readonly isConnected: boolean },
  error: (Error & { code?: unknown }) | undefined,
  at: { readonly host: string; readonly port: number },
): Outcome {
  const code = typeof error?.code === 'string' ? error.code : ''
  const place = `${at.host}:${at.port}`
  if (code === 'ECONNREFUSED')
    return { kind: 'failed', sentence: `no broker at ${place}: start one with \`npm start\`` }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return { kind: 'failed', sentence: `there is no host ${at.host}: pass the broker's with --host` }
  if (/^(EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/.test(code))
    return { kind: 'failed', sentence: `${place} cannot be reached (${code})` }
  if (isServerDistrust(code)) {
    return {
      kind: 'invalid',
      sentence: `the certificate of the broker at ${place} is not trusted (${code})`,
      help: 'pass the CA that signed it with --ca FILE',
    }
  }
  const alert = /alert ([a-z ]+)/.exec(error?.message ?? '')?.[1]
  if (alert !== undefined) return { kind: 'refused', wire: `TLS alert: ${alert.trim()}`, atConnect: true }
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER')
    return { kind: 'failed', sentence: `${place} does not speak TLS: is this the broker's TLS port?` }
  if (code.startsWith('ERR_SSL') || !state.isSecure)
    return {
      kind: 'failed',
      sentence: `TLS did not come up with ${place} (${error?.message.split('\n', 1)[0] ?? 'closed'})`,
    }
  return {
    kind: 'refused',
    wire: state.isConnected
      ? 'the broker closed the connection'
      : 'the broker closed the connection without an answer to CONNECT',
    atConnect: !state.isConnected,
  }
}

/** OpenSSL's reasons against the broker's certificate, and Node's own about its name. */
function isServerDistrust(code: string): boolean {
  return /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|ERR_TLS_CERT_ALTNAME_INVALID|INVALID_CA|INVALID_PURPOSE)/.test(
    code,
  )
}
