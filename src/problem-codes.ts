/**
 * The registry of problem codes: code → what it means and what to do next. `docs/errors.md` is written from it
 * (`npm run docs:errors`) and a test keeps both in step. One line per code, sorted within its family.
 */
interface CodeEntry {
  /** What it means, in one plain sentence. */
  readonly meaning: string
  /** What the reader types or changes next. */
  readonly next: string
}

const define = <T extends Record<string, CodeEntry>>(codes: T): T => codes

export const problemCodes = define({
  // accept: the TLS connection and its certificate chain
  'accept/no-certificate': { meaning: 'The client finished TLS without showing a certificate.', next: 'Give the client its certificate and key (mosquitto_pub: --cert and --key).' },
  // authenticate: the certificate and the identity that it names

  // bind: the client identifier
  'bind/client-id-mismatch': { meaning: 'The client identifier is not one that this identity may use.', next: 'Set the client id to the one that the policy gives; `portcullis policy explain` shows it.' },

  // config: portcullis.config.yaml and command-line options

  // decide: a topic, a filter, a will

  // enforce: what the broker side refuses

  // policy: the files of a policy set
  'policy/unknown-key': { meaning: 'A key that the policy language does not know.', next: 'Correct the spelling; the help line shows the nearest key.' },

  // provision: making certificates

  // tool: the command line
})
