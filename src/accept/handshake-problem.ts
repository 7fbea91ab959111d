/** Why a TLS handshake failed, in a sentence and a next step; OpenSSL's own words stay in the log for the expert. */
import { type Problem, problem } from '../problem.ts'

const sayings: readonly { readonly has: RegExp; readonly sentence: string; readonly help: string }[] = [
  {
    has: /HTTP_REQUEST|WRONG_VERSION_NUMBER|UNKNOWN_PROTOCOL|PACKET_LENGTH_TOO_LONG/,
    sentence: 'the client does not speak TLS on this port',
    help: 'use mqtts:// and give the client its certificate (mosquitto_pub: --cafile, --cert, --key)',
  },
  {
    has: /UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|INAPPROPRIATE_FALLBACK/,
    sentence: 'the client offers only TLS versions before 1.2',
    help: 'update the client: this broker speaks TLS 1.2 and 1.3',
  },
  {
    has: /ALERT_UNKNOWN_CA|CERTIFICATE_UNKNOWN|ALERT_BAD_CERTIFICATE/,
    sentence: "the client does not trust this broker's certificate",
    help: "give the client the root certificate of this broker's CA (mosquitto_pub: --cafile certs-dev/ca.pem)",
  },
  {
    has: /CERTIFICATE_EXPIRED/,
    sentence: "the client says that this broker's certificate has expired",
    help: "compare the clocks of broker and client, and renew the broker's certificate",
  },
  {
    has: /NO_SHARED_CIPHER|HANDSHAKE_FAILURE|NO_SUITABLE/,
    sentence: 'broker and client share no cipher suite',
    help: 'update the TLS library of the client',
  },
  {
    has: /ECONNRESET|ECONNABORTED|EPIPE/,
    sentence: 'the client closed the connection during the TLS handshake',
    help: 'a client that does not trust the broker does this: check its CA file and the host name it connects to',
  },
]

/** @param error what `tlsClientError` carries */
export function handshakeProblem(error: Error & { readonly code?: string }): Problem {
  const text = `${error.code ?? ''} ${error.message}`
  const saying = sayings.find(s => s.has.test(text))
  // OpenSSL's message is its own words and error numbers; nothing that the peer sent is in it
  if (saying === undefined)
    return problem('accept/handshake-failed', `the TLS handshake failed: ${error.code ?? 'no code'}`)
  return problem('accept/handshake-failed', saying.sentence, { help: saying.help })
}
