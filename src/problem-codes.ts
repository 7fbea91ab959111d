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
  'accept/handshake-failed': { meaning: 'TLS did not come up.', next: 'Follow the help line; `openssl s_client -connect HOST:PORT` shows the handshake.' },
  'accept/handshake-timeout': { meaning: 'The client did not finish the TLS handshake in time.', next: 'Check the network and that the client speaks TLS on this port; `limits.handshakeSeconds` is the deadline.' },
  'accept/listener-failed': { meaning: 'The listening socket reported an error.', next: 'Read the sentence; restart if connections no longer arrive.' },
  'accept/too-many-connections': { meaning: 'The limit on open connections is reached.', next: 'Raise `limits.connections`, or find who opens so many.' },
  'accept/too-many-waiting': { meaning: 'One address has too many connections that have not logged in.', next: 'Look at what runs at that address; `limits.unauthenticatedPerAddress` is the limit.' },
  'accept/untrusted-certificate': { meaning: 'TLS does not trust the certificate.', next: 'Use a certificate from one of the configured issuers.' },
  // authenticate: the certificate and the identity that it names
  'authenticate/ca-certificate': { meaning: 'A certificate authority was shown where a device certificate belongs, or the reverse.', next: 'Connect with a certificate that was issued to the device itself (basicConstraints CA:FALSE).' },
  'authenticate/bad-extension': { meaning: 'The certificate has an extension twice, or a critical one that Portcullis does not know.', next: 'Issue the certificate again with the device profile of `portcullis device issue`.' },
  'authenticate/expired': { meaning: 'The certificate is past its notAfter.', next: 'Renew it (`portcullis device renew`); if it is not past it, set the clock of this machine.' },
  'authenticate/key-usage': { meaning: 'keyUsage does not permit what the certificate is used for.', next: 'Issue the certificate again with keyUsage digitalSignature (a CA: keyCertSign).' },
  'authenticate/no-client-auth': { meaning: 'extendedKeyUsage is absent or does not name clientAuth itself.', next: 'Issue the certificate again with extendedKeyUsage clientAuth; anyExtendedKeyUsage does not count.' },
  'authenticate/not-yet-valid': { meaning: 'The certificate is before its notBefore.', next: 'Compare the clocks of this machine and of the one that issued the certificate.' },
  'authenticate/outside-issuer': { meaning: 'The certificate says something that its issuer is not trusted to say (`only:` of the issuer).', next: 'Have the certificate issued by the CA of that site, or widen `only:` in portcullis.config.yaml.' },
  'authenticate/unparsable-certificate': { meaning: 'The certificate is not strict DER of an X.509 v3 certificate.', next: 'Issue the certificate again; `openssl asn1parse` shows where it breaks.' },
  'authenticate/weak-key': { meaning: 'The public key is not P-256, P-384, P-521, Ed25519 or RSA of 2048 bits or more.', next: 'Issue the certificate again with a new key, P-256 for preference.' },
  'authenticate/weak-signature': { meaning: 'The certificate is not signed with SHA-256 or better.', next: 'Issue the certificate again from a CA that signs with SHA-256 or better.' },

  // bind: the client identifier
  'bind/client-id-mismatch': { meaning: 'The client identifier is not one that this identity may use.', next: 'Set the client id to the one that the policy gives; `portcullis policy explain` shows it.' },

  'bind/will-refused': { meaning: 'The will names a topic, QoS or retain that its device may not publish.', next: 'Correct the will of the client, or the policy.' },
  // config: portcullis.config.yaml and command-line options

  'config/port-in-use': { meaning: 'Another process listens on that port.', next: 'Stop it, or pass another `--port`.' },
  // decide: a topic, a filter, a will

  // enforce: what the broker side refuses

  'enforce/broker-error': { meaning: 'The broker reported an error of its own.', next: 'Read the sentence; the connection it concerns is closed.' },
  'enforce/broker-version': { meaning: 'The guard is not made for this version of the broker.', next: 'Install aedes ^1.2.0.' },
  'enforce/connect-timeout': { meaning: 'TLS came up but no CONNECT was accepted in time.', next: 'Check that the client speaks MQTT on this port; `limits.connectSeconds` is the deadline.' },
  'enforce/host-refused': { meaning: "One of the host's own hooks refused what the policy permits.", next: "Look at the host's hook." },
  'enforce/internal': { meaning: 'A check failed unexpectedly and refused, as it must.', next: 'Report it with the log line.' },
  'enforce/not-guarded': { meaning: 'A connection reached the broker past the guard, or without TLS.', next: 'Hand connections to `guarded.handle` from a TLS listener.' },
  'enforce/protocol-error': { meaning: 'The client sent something that is not valid MQTT 3.1.1.', next: 'Update or correct the client.' },
  'enforce/protocol-version': { meaning: 'The client speaks another version of MQTT.', next: 'Set the client to MQTT 3.1.1.' },
  'enforce/qos-too-high': { meaning: 'A subscription asks for a higher QoS than the policy grants.', next: 'Subscribe with the QoS that the help line names.' },
  // policy: the files of a policy set
  'policy/unknown-key': { meaning: 'A key that the policy language does not know.', next: 'Correct the spelling; the help line shows the nearest key.' },

  'policy/not-yet-enforced': { meaning: 'A setting that this version cannot enforce.', next: 'Take it out of `settings:`.' },
  'policy/no-folder': { meaning: 'The policy folder cannot be read.', next: 'Pass it with `--policies DIR`.' },
  'policy/unreadable-file': { meaning: 'A file of the policy folder cannot be read, or is not UTF-8.', next: 'Correct its permissions or its encoding.' },
  // provision: making certificates
  'provision/bad-name': { meaning: 'A name that cannot stand in a certificate made by this authority.', next: 'Use letters, digits, dot, colon, hyphen and underscore, at most 64 characters.' },
  'provision/bad-validity': { meaning: 'A validity that ends before it begins, or that outlives the issuing certificate.', next: 'Choose an earlier notAfter, or renew the issuing certificate first.' },
  'provision/not-a-ca': { meaning: 'The certificate or key given as an authority cannot issue certificates.', next: 'Name the issuing certificate and its own key.' },

  // tool: the command line
})
