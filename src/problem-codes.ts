/**
 * The registry of problem codes: code → what it means and what to do next. `docs/errors.md` is written from it
 * (`npm run docs:errors`) and a test keeps both in step. Sorted within each family.
 */
interface CodeEntry {
  /** What it means, in one plain sentence. */
  readonly meaning: string
  /** What the reader types or changes next. */
  readonly next: string
}

export const problemCodes = {
  // accept: the TLS connection and its certificate chain
  'accept/aging-crl': {
    meaning: 'A CRL is past half its period, or past its nextUpdate.',
    next: 'Fetch the newest CRL of the CA and check what renews it.',
  },
  'accept/backlog-full': {
    meaning: 'A connection does not take what is written to it, and too much has piled up.',
    next: 'Check the network of the client and whether it reads; `limits.backlogBytes` is the limit.',
  },
  'accept/bad-crl': {
    meaning: 'A CRL file is not a complete, strict DER or PEM CRL.',
    next: 'Have the CA write a complete CRL; `openssl crl -noout -text -in FILE` shows what is there.',
  },
  'accept/bad-crl-signature': {
    meaning: 'A CRL is not signed by the CA that it names, or that CA may not sign CRLs.',
    next: 'Fetch the CRL again from the CA itself.',
  },
  'accept/clock-set-back': {
    meaning: 'The clock of this machine shows a time before the newest CRL was made.',
    next: 'Correct the clock; validity is judged at the time of that CRL until then.',
  },
  'accept/connect-too-large': {
    meaning: 'A CONNECT is larger than the limit; its will counts.',
    next: 'Make the will smaller, or raise `limits.connectBytes`.',
  },
  'accept/foreign-crl': {
    meaning: 'A CRL belongs to a CA that its issuer does not name.',
    next: 'Name the CA under `issuers:`, or move the file to the issuer that it belongs to.',
  },
  'accept/future-crl': {
    meaning: 'A CRL has a thisUpdate more than five minutes ahead.',
    next: 'Compare the clocks of this machine and of the CA.',
  },
  'accept/handshake-failed': {
    meaning: 'TLS did not come up.',
    next: 'Follow the help line; `openssl s_client -connect HOST:PORT` shows the handshake.',
  },
  'accept/handshake-timeout': {
    meaning: 'The client did not finish the TLS handshake in time.',
    next: 'Check the network and that the client speaks TLS on this port; `limits.handshakeSeconds` is the deadline.',
  },
  'accept/issuer-expired': {
    meaning: 'A CA above the certificate is outside its validity.',
    next: 'Renew the CA, or correct the clock of this machine.',
  },
  'accept/issuer-revoked': {
    meaning: 'A CA above the certificate was revoked.',
    next: 'Issue the devices new certificates from another CA.',
  },
  'accept/malformed-packet': {
    meaning: 'A packet breaks the MQTT 3.1.1 standard; the sentence names the clause.',
    next: 'Update or correct the client.',
  },
  'accept/no-certificate': {
    meaning: 'The client finished TLS without showing a certificate.',
    next: 'Give the client its certificate and key (mosquitto_pub: --cert and --key).',
  },
  'accept/no-crl': {
    meaning: 'An issuing CA has no CRL although its issuer has some.',
    next: 'Add the CRL of that CA under `crl:` of the issuer.',
  },
  'accept/not-connect': {
    meaning: 'The first packet of a connection is not CONNECT.',
    next: 'Connect an MQTT 3.1.1 client to this port; a browser or a probe has no business there.',
  },
  'accept/older-crl': {
    meaning: 'A CRL is older than the one in force.',
    next: 'Put the newest CRL of the CA there; the one in force stays until then.',
  },
  'accept/packet-too-large': {
    meaning: 'A packet is larger than the limit.',
    next: 'Send smaller messages, or raise `limits.packetBytes`.',
  },
  'accept/protocol-version': {
    meaning: 'The client speaks another version of MQTT.',
    next: 'Set the client to MQTT 3.1.1.',
  },
  'accept/proxy-header-invalid': {
    meaning: 'A PROXY header of a listed load balancer is malformed, too long, or not of TCP over IPv4 or IPv6.',
    next: 'Have the load balancer send PROXY protocol version 2 for TCP (HAProxy: `send-proxy-v2`).',
  },
  'accept/proxy-header-missing': {
    meaning: 'A connection from a listed load balancer does not begin with a whole PROXY header of version 2.',
    next: 'Switch on PROXY protocol version 2 at the load balancer, or take its address out of `listen.proxyFrom`.',
  },
  'accept/revoked': {
    meaning: 'The certificate was revoked.',
    next: 'If the device is still yours, issue it a new certificate with a new key.',
  },
  'accept/stale-crl': {
    meaning: 'The CRL is so far past its nextUpdate that new connections of this CA are refused.',
    next: 'Fetch the newest CRL of the CA, or set `crl.onStaleCrl: keep`.',
  },
  'accept/time-not-kept': {
    meaning: 'The time of the newest CRL could not be remembered, or read back.',
    next: 'Look after the store of the broker: a clock that is set back while it is down goes unnoticed.',
  },
  'accept/too-many-connections': {
    meaning: 'The limit on open connections is reached.',
    next: 'Raise `limits.connections`, or find who opens so many.',
  },
  'accept/too-many-filters': {
    meaning: 'A SUBSCRIBE or UNSUBSCRIBE holds more topic filters than the limit.',
    next: 'Spread them over several packets, or raise `limits.filtersPerSubscribe`.',
  },
  'accept/too-many-waiting': {
    meaning: 'One address has too many connections that have not logged in.',
    next: 'Look at what runs at that address; `limits.unauthenticatedPerAddress` is the limit.',
  },
  'accept/topic-too-deep': {
    meaning: 'A topic name or filter has more levels than the limit.',
    next: 'Use fewer levels, or raise `limits.topicLevels`.',
  },
  'accept/topic-too-long': {
    meaning: 'A topic name or filter has more bytes than the limit.',
    next: 'Shorten it, or raise `limits.topicBytes`.',
  },
  'accept/unknown-issuer': {
    meaning: 'No configured issuer signed the certificate.',
    next: 'Use a certificate of a configured issuer, or add its CA under `issuers:`.',
  },
  'accept/unreadable-crl': {
    meaning: 'A CRL file cannot be read.',
    next: 'Check that the file is there and readable; the last good CRL stays in force.',
  },
  'accept/untrusted-certificate': {
    meaning: 'TLS does not trust the certificate.',
    next: 'Use a certificate from one of the configured issuers.',
  },
  'accept/websocket-refused': {
    meaning: 'What came to the WebSocket port is no MQTT over WebSocket that may connect; the sentence says why.',
    next: 'Use wss://HOST:PORT/mqtt with the subprotocol mqtt; list web origins under `listen.wsOrigins`.',
  },
  'accept/write-stalled': {
    meaning: 'A connection that has bytes to take took none for too long.',
    next: 'Check the network of the client and whether it reads; `limits.writeStallSeconds` is the limit.',
  },
  // authenticate: the certificate and the identity that it names
  'authenticate/ambiguous-identity': {
    meaning: 'Two identities of the policy fit one certificate.',
    next: 'Separate them with `except:` or another field.',
  },
  'authenticate/bad-extension': {
    meaning: 'The certificate has an extension twice, or a critical one that Portcullis does not know.',
    next: 'Issue the certificate again with the device profile of `portcullis device issue`.',
  },
  'authenticate/ca-certificate': {
    meaning: 'A certificate authority was shown where a device certificate belongs, or the reverse.',
    next: 'Connect with a certificate that was issued to the device itself (basicConstraints CA:FALSE).',
  },
  'authenticate/expired': {
    meaning: 'The certificate is past its notAfter.',
    next: 'Renew it (`portcullis device renew`); if it is not past it, set the clock of this machine.',
  },
  'authenticate/key-usage': {
    meaning: 'keyUsage does not permit what the certificate is used for.',
    next: 'Issue the certificate again with keyUsage digitalSignature (a CA: keyCertSign).',
  },
  'authenticate/no-client-auth': {
    meaning: 'extendedKeyUsage is absent or does not name clientAuth itself.',
    next: 'Issue the certificate again with extendedKeyUsage clientAuth; anyExtendedKeyUsage does not count.',
  },
  'authenticate/no-identity': {
    meaning: 'No identity of the policy fits the certificate.',
    next: 'Compare its subject and SAN with `from:`.',
  },
  'authenticate/not-yet-valid': {
    meaning: 'The certificate is before its notBefore.',
    next: 'Compare the clocks of this machine and of the one that issued the certificate.',
  },
  'authenticate/outside-issuer': {
    meaning: 'The certificate says something that its issuer is not trusted to say (`only:` of the issuer).',
    next: 'Have the certificate issued by the CA of that site, or widen `only:` in portcullis.config.yaml.',
  },
  'authenticate/poisoned-identity': {
    meaning: 'An identity fits in part, and the rest cannot be read for certain.',
    next: 'Issue a certificate with one safe value in each named field.',
  },
  'authenticate/unparsable-certificate': {
    meaning: 'The certificate is not strict DER of an X.509 v3 certificate.',
    next: 'Issue the certificate again; `openssl asn1parse` shows where it breaks.',
  },
  'authenticate/weak-key': {
    meaning: 'The public key is not P-256, P-384, P-521, Ed25519 or RSA of 2048 bits or more.',
    next: 'Issue the certificate again with a new key, P-256 for preference.',
  },
  'authenticate/weak-signature': {
    meaning: 'The certificate is not signed with SHA-256 or better.',
    next: 'Issue the certificate again from a CA that signs with SHA-256 or better.',
  },
  // bind: the client identifier
  'bind/client-gone': {
    meaning: 'The client closed its connection before its log-in had its turn.',
    next: 'Nothing, if it is there by now; else have the client wait for the CONNACK.',
  },
  'bind/client-id-empty': {
    meaning: 'The client id is empty.',
    next: 'Set the client id to the one that the help line names.',
  },
  'bind/client-id-mismatch': {
    meaning: 'The client identifier is not one that this identity may use.',
    next: 'Set the client id to the one that the policy gives; `portcullis policy explain` shows it.',
  },
  'bind/kicked': {
    meaning: 'An operator ended the connection with `portcullis session kick`.',
    next: 'Nothing; the device may connect again. `portcullis device revoke` keeps it out.',
  },
  'bind/member-refused': {
    meaning: 'A row of members shuts this identity out.',
    next: 'Read the reason in the row that is named.',
  },
  'bind/not-a-member': {
    meaning: 'An identity with `membersOnly: true` and no row in members.',
    next: 'Add a row for it.',
  },
  'bind/owned': {
    meaning: 'The session of this client id belongs to another identity.',
    next: 'End that session, or give each identity client ids of its own.',
  },
  'bind/owner-store': {
    meaning: 'The store of session owners changed under every attempt to write it.',
    next: 'Check the store that was passed as `owners`.',
  },
  'bind/not-ended': {
    meaning:
      'Kept sessions that the policy, a CA or a CRL has ended are still in the store, which failed. Nobody can resume them.',
    next: 'Look after the store (the disk, the Redis); it is tried again every five seconds.',
  },
  'bind/session-live': {
    meaning: 'The session is connected already and `onTakeover: refuse` stands.',
    next: 'End the other connection, or wait until its keep-alive has run out.',
  },
  'bind/taken-over': {
    meaning: 'A connection was ended because the same identity has connected again.',
    next: 'Nothing, unless two devices share one certificate.',
  },
  'bind/too-many-sessions': {
    meaning: 'The identity has as many sessions, live or kept, as `maxSessions` allows.',
    next: 'End one of them, or raise `maxSessions` of the identity.',
  },
  'bind/unowned': {
    meaning:
      "A kept session was ended, or a will dropped, since it is nobody's: it has no owner, or one that is nobody any more.",
    next: 'Nothing; it was left by a time before the guard, or the policy or a CRL has ended its owner.',
  },
  'bind/will-refused': {
    meaning: 'The will names a topic, QoS or retain that its device may not publish.',
    next: 'Correct the will of the client, or the policy.',
  },
  // config: portcullis.config.yaml and command-line options
  'config/admin-foreign': {
    meaning: 'Something that is no socket stands where the admin socket is to be.',
    next: 'Move it away, or name another socket with `--admin`.',
  },
  'config/admin-in-use': {
    meaning: 'Another process answers at the admin socket.',
    next: 'Stop it, or name another socket with `--admin`.',
  },
  'config/admin-path': {
    meaning: 'The admin socket cannot be made at that path.',
    next: 'Name a short path in a folder that you may write to with `--admin`.',
  },
  'config/ambiguous-ca': {
    meaning: 'Two configured CAs cannot be told apart, or one is named twice.',
    next: 'Name every CA once; have one of the two issued again with another key.',
  },
  'config/bad-certificate': {
    meaning: 'A file is not exactly one certificate that can be used.',
    next: 'Give every certificate a PEM file of its own; `openssl x509 -noout -text -in FILE` shows it.',
  },
  'config/bad-key': {
    meaning: 'The private key of the server cannot be used.',
    next: 'Give a PEM key without a passphrase: `openssl pkey -in OLD -out NEW`.',
  },
  'config/bad-value': {
    meaning: 'A setting has a value that it cannot have.',
    next: 'Write a value of the form that the sentence names.',
  },
  'config/ca-expired': {
    meaning: 'A configured CA is outside its validity.',
    next: 'Renew the CA, or correct the clock of this machine.',
  },
  'config/cannot-listen': {
    meaning: 'The address or port cannot be listened on.',
    next: 'Choose another `--port` or `--host`.',
  },
  'config/expired-server-certificate': {
    meaning: 'The certificate of the server is outside its validity.',
    next: 'Renew it, or correct the clock of this machine.',
  },
  'config/key-mismatch': {
    meaning: 'The private key and the certificate of the server do not belong together.',
    next: 'Name the key that the certificate was issued for.',
  },
  'config/key-permissions': {
    meaning: 'Others than the owner may read the private key of the server.',
    next: 'Run `chmod 600` on the file.',
  },
  'config/missing-file': {
    meaning: 'There is no configuration file.',
    next: 'Write a portcullis.config.yaml, or name one with --config FILE.',
  },
  'config/missing-key': { meaning: 'A setting that is needed is missing.', next: 'Add it; the sentence names it.' },
  'config/no-good-crl': {
    meaning: 'A CRL is configured, but none can be used to start with.',
    next: 'Fetch the CRL again from the CA, or take the file out of `crl:`.',
  },
  'config/not-a-ca': {
    meaning: 'A certificate configured as a CA is none.',
    next: 'Name the certificate of the CA, not one that it issued.',
  },
  'config/not-chained': {
    meaning: 'A configured CA does not chain to its root.',
    next: 'Name the self-signed root that signed it, and any CA between the two.',
  },
  'config/report-only': {
    meaning: 'Topics are only reported: what the policy would refuse is let pass.',
    next: 'Start without `--report-only` (`reportOnly`) once the log shows nothing that should have passed.',
  },
  'config/store-in-use': {
    meaning: 'Another process has the store of the broker open.',
    next: 'Stop it, or give each broker a store of its own with `--store`.',
  },
  'config/bad-store': {
    meaning: 'The store of the broker is damaged, of another program, or of another version.',
    next: 'Name another folder, or put back a copy; nothing is ever removed.',
  },
  'config/unknown-key': {
    meaning: 'A setting that the configuration does not know.',
    next: 'Correct the spelling; the help line shows the nearest one.',
  },
  'config/unreadable-file': {
    meaning: 'A file that the configuration names cannot be read.',
    next: 'Check the path, which is relative to the configuration file, and its permissions.',
  },
  'config/weak-ca': {
    meaning: 'A configured CA has a weak key or signature.',
    next: 'Use P-256, P-384, P-521, Ed25519 or RSA of 2048 bits or more, with SHA-256 or better.',
  },
  'config/yaml': { meaning: 'The configuration file is not plain YAML.', next: 'Follow the help line at that place.' },

  'config/port-in-use': {
    meaning: 'Another process listens on that port.',
    next: 'Stop it, or pass another `--port`.',
  },
  // cluster: several nodes on one Redis
  'cluster/no-redis': {
    meaning: 'The Redis of the cluster cannot be reached at the start, or refuses the log-in.',
    next: 'Start it, or correct the address after `--cluster`.',
  },
  'cluster/redis-away': {
    meaning: 'The Redis of the cluster went away: nobody can log in, and nothing is acknowledged, until it is back.',
    next: 'Start it again; the node recovers by itself, and kept sessions are closed once so that they read their queues.',
  },
  'cluster/revisions-differ': {
    meaning: 'Two nodes of the cluster have had different policies in force for more than 30 seconds.',
    next: 'Bring the same policies to all nodes; the node is unready until then.',
  },
  // decide: a topic, a filter, a will
  'decide/denied': {
    meaning: 'A deny rule covers the topic or meets the filter.',
    next: 'Look at the rule that is named; deny wins over every allow.',
  },
  'decide/illegal-filter': {
    meaning: 'Not a valid topic filter of MQTT 3.1.1.',
    next: 'Correct the filter: wildcards fill whole levels and # stands last.',
  },
  'decide/illegal-topic': {
    meaning: 'Not a valid topic name of MQTT 3.1.1.',
    next: 'Correct the topic: no wildcards, no NUL, not empty.',
  },
  'decide/no-rule': {
    meaning: 'No allow rule covers it, and the default is to refuse.',
    next: 'Read the help line: the nearest rule and the level or condition that differs.',
  },
  'decide/reserved-topic': { meaning: 'A topic that belongs to the broker.', next: 'Publish elsewhere.' },
  'decide/shared-subscription': {
    meaning: 'A shared subscription, which this broker does not have.',
    next: 'Subscribe without $share/GROUP/.',
  },
  'decide/too-many-rules': {
    meaning: 'The list variables of a session come to more filters than it may have.',
    next: 'Shorten the lists, or use a wildcard.',
  },
  // enforce: what the broker side refuses
  'enforce/bad-owner': {
    meaning: 'The persistence has a record of whose a kept session is that cannot be read.',
    next: 'Remove the retained message that the sentence names; the session is then ended at its next log-in.',
  },
  'enforce/broker-error': {
    meaning: 'The broker reported an error of its own.',
    next: 'Read the sentence. A connection that it concerns is closed; retained messages that cannot be read are not sent.',
  },
  'enforce/broker-version': {
    meaning: 'The guard is not made for this version of the broker.',
    next: 'Install aedes ^1.2.0.',
  },
  'enforce/connect-timeout': {
    meaning: 'TLS came up but no CONNECT was accepted in time.',
    next: 'Check that the client speaks MQTT on this port; `limits.connectSeconds` is the deadline.',
  },
  'enforce/draining': {
    meaning: 'The broker is stopping and ends its connections.',
    next: 'Connect again: to another node, or when it is back.',
  },
  'enforce/host-refused': {
    meaning: "One of the host's own hooks refused what the policy permits.",
    next: "Look at the host's hook.",
  },
  'enforce/internal': {
    meaning: 'A check failed unexpectedly and refused, as it must.',
    next: 'Report it with the log line.',
  },
  'enforce/not-guarded': {
    meaning: 'A connection reached the broker past the guard, or without TLS.',
    next: 'Hand connections to `guarded.handle` from a TLS listener.',
  },
  'enforce/not-listening': {
    meaning: 'The broker does not take connections yet.',
    next: 'Wait until it has loaded its policy and CRLs; its log says what it waits for.',
  },
  'enforce/owner-store-missing': {
    meaning: 'The broker keeps sessions in a persistence of its own and the guard has no store for their owners.',
    next: 'Pass `owners` to `openGate`: an OwnerStore that lasts as long as that persistence.',
  },
  'enforce/protocol-error': {
    meaning: 'The client sent something that is not valid MQTT 3.1.1.',
    next: 'Update or correct the client.',
  },
  'enforce/queue-full': {
    meaning: 'As much waits for an offline session as its identity may have.',
    next: 'Let the device fetch its messages, or raise `limits.queuedMessages` or `limits.queuedBytes`.',
  },
  'enforce/slow-subscriber': {
    meaning: 'A message was dropped at QoS 0 because its receiver does not keep up.',
    next: 'Check the network of the receiver, or subscribe with QoS 1; `limits.backlogBytes` is twice the mark.',
  },
  'enforce/too-many-denials': {
    meaning: 'An identity was refused so often within a minute that its connection was closed.',
    next: 'Correct the device or the policy; the refusals before this line say what it tried.',
  },
  'enforce/too-many-retained': {
    meaning: 'An identity holds as many retained topics as it may.',
    next: 'Clear some, or raise `limits.retainedTopics`.',
  },
  'enforce/too-many-subscriptions': {
    meaning: 'A session holds as many subscriptions as it may.',
    next: 'Subscribe with wildcards, or raise `limits.subscriptions`.',
  },
  // policy: the files of a policy set
  'policy/ambiguous-capture': {
    meaning: 'Two variables of one pattern are not kept apart.',
    next: 'Separate them, or narrow one.',
  },
  'policy/bad-claim': {
    meaning: 'A claim is not one of the kinds that there are, or lacks what its kind needs.',
    next: 'See docs/policy-language.md: isolated, noFlow, only, never, every.',
  },
  'policy/bad-pattern': {
    meaning: 'Something in a pattern is no variable.',
    next: 'Write variables as `${name}`, `${name:alnum}`, `${name:digits}` or `${name:hex}`.',
  },
  'policy/bad-value': {
    meaning: 'A value that is not one of those that may stand there.',
    next: 'Follow the help line, which names what may stand there.',
  },
  'policy/broad-filter': {
    meaning:
      'A warning: an allow rule begins with a wildcard, so that it reaches topics of everything else on the broker.',
    next: 'Begin the filter with the first level that is meant, or accept it with a reason.',
  },
  'policy/capture-not-here': { meaning: 'A `${…}` where only literals may stand.', next: 'Write the value out.' },
  'policy/captures-differ': {
    meaning: 'The alternatives of one `from:` capture different names.',
    next: 'Capture the same names in every alternative, or make two identities of it.',
  },
  'policy/claim-refuted': {
    meaning: 'A claim of the set does not hold; the sentence shows for whom and for which topic.',
    next: 'Narrow the rule that the counterexample names, or say `except:` where it is meant.',
  },
  'policy/claim-unproved': {
    meaning: 'A claim could not be decided within the steps that a proof may take.',
    next: 'Narrow the claim or simplify the rules it is about, or write `assume: reason` beside it.',
  },
  'policy/claim-vacuous': {
    meaning: 'A claim says nothing: nobody can be of its class, or nothing can ever match its filter.',
    next: 'Correct the class or the filter, or take the claim out.',
  },
  'policy/client-id-shared': {
    meaning: 'Two certificates could claim one client id.',
    next: 'Make the templates tell identities apart, or vouch for it with `clientIdUnique: vouched`.',
  },
  'policy/comment-trap': {
    meaning: 'A `#` without a space after it cuts off the rest of a value.',
    next: 'Quote the value; in a comment, write a space after `#`.',
  },
  'policy/condition-not-applicable': {
    meaning: 'A condition that does not apply to this kind of rule or action.',
    next: 'Delete it, or move it to the rule it is meant for.',
  },
  'policy/csv': {
    meaning: 'A CSV table that cannot be read exactly.',
    next: 'Correct the line: commas between cells, as many cells as the header has.',
  },
  'policy/csv-delimiter': {
    meaning: 'The cells of a CSV table are separated by something else than commas.',
    next: 'Save it with commas between cells; `;` separates the entries of a list cell.',
  },
  'policy/csv-missing': {
    meaning: 'A table of members names a CSV file that is not in the folder.',
    next: 'Add the file, or correct its name.',
  },
  'policy/csv-unreferenced': {
    meaning: 'A CSV file that no table of members names.',
    next: 'Name it under `members:`, or delete it.',
  },
  'policy/dead-rule': {
    meaning: 'A warning: an allow rule allows nothing, because denies take all of it or nobody can have its values.',
    next: 'Take out the rule or narrow the deny, or accept it with a reason.',
  },
  'policy/duplicate-key': { meaning: 'A key stands twice in one map.', next: 'Merge the two entries.' },
  'policy/duplicate-member': { meaning: 'One member has two rows in one table.', next: 'Merge the two rows.' },
  'policy/duplicate-name': {
    meaning: 'A name is defined twice in the set.',
    next: 'Rename one of the two, or merge them.',
  },
  'policy/empty-set': {
    meaning: 'The set has no identity, so nobody could connect.',
    next: 'Write `identities:` in a .yaml file of the folder.',
  },
  'policy/empty-value': {
    meaning: 'A key or list entry without a value.',
    next: 'Write a value; quote it if it begins with `#`.',
  },
  'policy/everyone-allow': {
    meaning: 'The role `everyone` allows something.',
    next: 'Let it deny only; put what is allowed into another role.',
  },
  'policy/file-too-large': {
    meaning: 'A policy file is larger than 1 MiB.',
    next: 'Split it, or move members into a CSV table.',
  },
  'policy/idle-deny': {
    meaning: 'A warning: a deny rule takes nothing from anybody: it may be misspelt.',
    next: 'Compare it with the allow that it is meant for, or accept it with a reason.',
  },
  'policy/illegal-filter': { meaning: 'Not a valid topic filter in a rule.', next: 'Follow the help line.' },
  'policy/partial-variable': {
    meaning: 'A variable shares its topic level with other text.',
    next: 'Give the variable a level of its own.',
  },
  'policy/issuer-required': {
    meaning: 'An identity names no issuer although several are configured.',
    next: 'Add `issuer:` to the identity.',
  },
  'policy/members-key': {
    meaning: 'The `by:` of a table does not tell one member from another.',
    next: 'Name all captures of the identity, or all of its `unique`.',
  },
  'policy/missing-cell': { meaning: 'A row of members lacks a column that it needs.', next: 'Fill the cell in.' },
  'policy/missing-key': {
    meaning: 'A key that must be there is missing.',
    next: 'Add it; the help line says what it holds.',
  },
  'policy/missing-space': {
    meaning: 'A key without a space after its colon, which YAML reads as one text.',
    next: 'Write a space after the colon.',
  },
  'policy/multi-line': {
    meaning: 'A value over several lines, which does not hold what it seems to.',
    next: 'Write the value on one line.',
  },
  'policy/name-clash': {
    meaning: 'One name has two meanings for one identity.',
    next: 'Rename the constant, the column or the capture.',
  },
  'policy/needless-accept': {
    meaning: 'A warning is accepted that there is not.',
    next: 'Take it out of `accept:`.',
  },
  'policy/never-together': {
    meaning: 'One client would have two roles that `neverTogether` keeps apart.',
    next: 'Take one of the two roles away.',
  },
  'policy/no-folder': { meaning: 'The policy folder cannot be read.', next: 'Pass it with `--policies DIR`.' },
  'policy/unreadable-file': {
    meaning: 'A file of the policy folder cannot be read, or is not UTF-8.',
    next: 'Correct its permissions or its encoding.',
  },
  'policy/not-text': {
    meaning: 'A file is not UTF-8, or holds control characters.',
    next: 'Save it as UTF-8 without control characters.',
  },
  'policy/overlapping-identities': {
    meaning: 'A warning: one certificate can be two identities; it would be refused.',
    next: 'Separate the two with `except:` or another field, or accept it with a reason.',
  },
  'policy/quote-needed': {
    meaning: 'A value with a meaning of its own in YAML is not quoted.',
    next: 'Put the value into quotes.',
  },
  'policy/receive-allow': {
    meaning: 'A rule allows `receive`, which can only be denied.',
    next: 'Write `subscribe`: what may be subscribed to may be received.',
  },
  'policy/refused-and-can': {
    meaning: 'A test expects that connecting is refused, and actions besides.',
    next: 'Make two tests of it.',
  },
  'policy/reserved-name': { meaning: 'A name that the language uses itself.', next: 'Choose another name.' },
  'policy/role-not-allowed': {
    meaning: 'A row of members gives a role that its identity does not name in `mayAlsoHave`.',
    next: 'Add the role to `mayAlsoHave`, or take it out of the row.',
  },
  'policy/reserved-topic': {
    meaning: 'A rule allows a topic that Portcullis keeps for itself.',
    next: 'Name a topic outside of `$portcullis/`.',
  },
  'policy/shared-right': {
    meaning: 'A warning: everybody of an identity may publish to the same topics, so that one can speak as another.',
    next: 'Put a capture into the filter, or accept it with a reason.',
  },
  'policy/sys-publish': {
    meaning: 'A rule allows publishing to `$SYS`.',
    next: 'Delete the rule: `$SYS` belongs to the broker.',
  },
  'policy/test-failed': {
    meaning: 'A test of the policy set does not hold.',
    next: 'Read the help line: the rule that decides, or the nearest.',
  },
  'policy/too-complex': {
    meaning: 'A question about a set was given up: its answer would take too many steps.',
    next: 'Simplify what it is about, or ask about less; no answer is never an answer.',
  },
  'policy/too-many-combinations': {
    meaning: 'The list variables of one session make more than 10,000 rules.',
    next: 'Use a wildcard, or shorter lists.',
  },
  'policy/two-actions': { meaning: 'One rule, or one action of a test, has two verbs.', next: 'Make two of it.' },
  'policy/two-sources': { meaning: 'A table of members has both a file and rows.', next: 'Keep one of the two.' },
  'policy/unexpected-file': {
    meaning: 'Something in the policy folder is no part of a policy set.',
    next: 'Move it elsewhere: a rule in a skipped file would vanish silently.',
  },
  'policy/unheld-role': {
    meaning: 'A warning: no identity has the role or may be given it.',
    next: 'Name it under `roles:` or `mayAlsoHave:` of an identity, or take it out.',
  },
  'policy/unknown-column': {
    meaning: 'A table names a column that it does not have.',
    next: 'Correct the spelling, or add the column.',
  },
  'policy/unknown-identity': {
    meaning: 'An identity that the set does not define.',
    next: 'Correct the spelling; the help line shows the nearest.',
  },
  'policy/unknown-issuer': {
    meaning: 'An issuer that is not configured.',
    next: 'Correct the spelling, or add it to `issuers:` of portcullis.config.yaml.',
  },
  'policy/unknown-key': {
    meaning: 'A key that the policy language does not know.',
    next: 'Correct the spelling; the help line shows the nearest key.',
  },
  'policy/unknown-role': {
    meaning: 'A role that the set does not define, or that the identity cannot have.',
    next: 'Correct the spelling; the help line shows the nearest.',
  },
  'policy/unknown-variable': {
    meaning: 'A variable that nothing gives.',
    next: 'Capture it, or define it in `constants:`, `set:` or a column of members.',
  },
  'policy/unknown-warning': {
    meaning: '`accept:` names a warning that does not exist.',
    next: 'Use the name without `policy/`; see docs/errors.md.',
  },
  'policy/unsafe-alphabet': {
    meaning: 'A character that safe values may never hold.',
    next: 'Leave it out of `safeValues`.',
  },
  'policy/unsafe-value': {
    meaning: 'A value that is no safe value, so that it cannot fill a topic level.',
    next: 'Use letters, digits, `.`, `_` and `-`, or widen `safeValues` in `settings:`.',
  },
  'policy/variable-not-given': {
    meaning: 'A role uses a variable that an identity with this role does not give.',
    next: 'Capture it, add it to `set:` or `constants:`, or to a column of members.',
  },
  'policy/version': {
    meaning: 'A policy file is not written in version 1 of the language.',
    next: 'Write `portcullis: 1`.',
  },
  'policy/wrong-shape': {
    meaning: 'A text, list or map stands where another is expected.',
    next: 'Write what the sentence names; docs/policy-language.md shows each shape.',
  },
  'policy/yaml': { meaning: 'A file is not valid YAML.', next: 'Correct the line, or the one before it.' },
  'policy/yaml-feature': {
    meaning: 'A feature of YAML that policy files do not use.',
    next: 'Write the values out, and quote what only looks like one.',
  },
  // provision: making certificates
  'provision/ambiguous-name': {
    meaning: 'Two devices in use have the same name.',
    next: 'Say which one with `--identity`.',
  },
  'provision/bad-answer': {
    meaning: 'The certificate that came back from the root is not what was asked for, so that it is not installed.',
    next: 'Sign the request again on the machine of the root, by `portcullis ca sign-issuing`.',
  },
  'provision/bad-response': {
    meaning: 'What an enrolment service answered is no certificate for this key, this name and this authority.',
    next: 'Check the address of the service and the root given with `--ca`; nothing was written.',
  },
  'provision/bad-captures': {
    meaning: 'The captures of an identity are not given as its `from:` needs them.',
    next: 'Give every capture but the one that NAME is with `--set CAPTURE=VALUE`.',
  },
  'provision/bad-enrol-key': {
    meaning: 'The key that enrolment tokens are signed with cannot be read, or is of another kind.',
    next: 'Put back `enroll.key` from your backup, or move it away and make the tokens anew.',
  },
  'provision/bad-enrolment': {
    meaning: 'A request to the enrolment service is not one of EST, or is too large or too slow.',
    next: 'Send a PKCS#10 request as RFC 7030 and RFC 8951 say; docs/enrolment.md shows each by curl.',
  },
  'provision/bad-ledger': {
    meaning: 'The ledger is damaged, of another version, or no ledger at all.',
    next: 'Put back a copy of `ledger.db` from your backup.',
  },
  'provision/bad-name': {
    meaning: 'A name that cannot stand in a certificate made by this authority.',
    next: 'Use letters, digits, dot, colon, hyphen and underscore, at most 64 characters.',
  },
  'provision/bad-request': {
    meaning:
      'The certificate signing request is not one, is not strict DER, or does not prove that its key is its own.',
    next: 'Make a new one on the device, for example by `openssl req -new`.',
  },
  'provision/bad-token': {
    meaning: 'An enrolment token is forged, expired, spent, withdrawn, or for another device or authority.',
    next: 'Make another one with `portcullis enroll token`.',
  },
  'provision/bad-validity': {
    meaning: 'A validity that ends before it begins, or that outlives the issuing certificate.',
    next: 'Choose an earlier notAfter, or renew the issuing certificate first.',
  },
  'provision/ca-expired': {
    meaning: 'The issuing CA or its root is not valid now, so that whatever it signs would be refused.',
    next: 'Correct the clock, or renew what has ended by `portcullis ca renew`.',
  },
  'provision/clock-set-back': {
    meaning: 'The clock of this machine is before the last entry of the ledger.',
    next: 'Correct the clock; revoking works even so.',
  },
  'provision/compromised-key': {
    meaning: 'The key belongs to a certificate that was revoked because its key was compromised.',
    next: 'Make a new key on the device.',
  },
  'provision/enrolment-failed': {
    meaning: 'The enrolment service could not be reached, or did not give a certificate.',
    next: 'The sentence says what it answered; its log says why.',
  },
  'provision/file-exists': {
    meaning: 'A file or folder that would be made is there already; nothing is overwritten.',
    next: 'Name another folder, or move the file away.',
  },
  'provision/ledger-busy': {
    meaning: 'Another command kept the ledger for longer than this one could wait.',
    next: 'Wait until it is done, and run the command again.',
  },
  'provision/no-ledger': {
    meaning: 'The folder of the authority holds no ledger that can be read.',
    next: 'Name the folder that `portcullis ca create` made with `--ca`.',
  },
  'provision/no-table': {
    meaning: 'The table of a batch cannot be read.',
    next: 'Name a CSV file with one row for each device.',
  },
  'provision/no-rights': {
    meaning: 'No rule of the policy lets the new device do anything.',
    next: 'Give its identity a role with an allow rule, or add a row of members.',
  },
  'provision/no-root-key': {
    meaning: 'The key of the root is not at hand, and nothing but it can sign a CA.',
    next: 'Bring it and name it with `--root-key`, or write a request with `--csr` and take that to the root.',
  },
  'provision/not-a-ca': {
    meaning: 'The certificate or key given as an authority cannot issue certificates.',
    next: 'Name the issuing certificate and its own key.',
  },
  'provision/not-configured': {
    meaning: 'The configuration knows no issuer with the certificate of this authority.',
    next: 'Add it under `issuers:`.',
  },
  'provision/not-from-template': {
    meaning: 'The identity is named by certificate fields that nobody can choose.',
    next: 'Issue it elsewhere, or name the identity by subject or SAN.',
  },
  'provision/not-in-force': {
    meaning: 'The certificate was superseded or revoked, or its serial is only reserved.',
    next: 'Issue or renew it: `portcullis device show` tells its history.',
  },
  'provision/other-names': {
    meaning: 'A re-enrolment asks for other names than those of the certificate that it is made with.',
    next: 'Ask with the same subject and subjectAltName, or enrol anew with a token.',
  },
  'provision/pkcs12-needs-rsa': {
    meaning: 'A legacy PKCS#12 file was asked for, and the key is not RSA: what reads only such a file cannot use it.',
    next: 'Make an RSA key with `--key rsa2048`, or leave `legacy` away.',
  },
  'provision/pkcs12-password': {
    meaning:
      'The password of a PKCS#12 file is too short, too long, or not ASCII, of which programs make different bytes.',
    next: 'Use 8 to 256 letters, digits, signs and blanks of ASCII, or let one be made.',
  },
  'provision/policy-refuses': {
    meaning: 'The gate would refuse the certificate, so that it is not issued.',
    next: 'Correct the name or the policy; the sentence says what the gate would say.',
  },
  'provision/reservation-lost': {
    meaning: 'A reserved serial was taken back before the certificate was signed.',
    next: 'Issue the certificate again.',
  },
  'provision/rotation-under-way': {
    meaning: 'An issuing CA that an earlier rotation left behind is not retired yet.',
    next: 'Finish that one first; `portcullis ca rotate --plan` says what is left to do.',
  },
  'provision/same-key': {
    meaning: 'A renewal asks for a certificate with a key that the device had before.',
    next: 'Make a new key on the device; `device renew` takes the old one with `--same-key`.',
  },
  'provision/still-needed': {
    meaning: 'Nothing can be retired: certificates in use depend on the older issuing CA, or there is none.',
    next: 'Renew or revoke them, or wait until the last one has ended.',
  },
  'provision/taken': {
    meaning: 'Another living certificate has this identity, client id, key or unique value.',
    next: 'Renew that certificate, revoke it first, or choose another name.',
  },
  'provision/too-many-enrolments': {
    meaning: 'An address or a device has asked the enrolment service too often.',
    next: 'Wait as long as Retry-After says.',
  },
  'provision/unknown-identity': {
    meaning: 'The policy has no identity of this name.',
    next: 'Name one of the policy with `--identity`.',
  },
  'provision/unknown-certificate': {
    meaning: 'The ledger has no certificate of this name or serial.',
    next: '`portcullis device list` shows what there is.',
  },
  'provision/weak-key': {
    meaning: 'The key of a request, or the hash that it is signed with, is too weak.',
    next: 'Use P-256, P-384, Ed25519 or RSA of 2048 bits or more, with SHA-256 or better.',
  },
  'provision/worker-died': {
    meaning: 'A thread that makes keys and signs for a batch ended before its work was done.',
    next: 'Run the batch again: it goes on with what is left, and with `--jobs 1` there are no threads. Memory may be short.',
  },
  'provision/wrong-passphrase': {
    meaning: 'The key of the authority is encrypted, and the passphrase given does not open it.',
    next: 'Give the passphrase of `portcullis ca create` by `--passphrase-file` or `PORTCULLIS_CA_PASSPHRASE`.',
  },
  // source: where policies and revocations come from
  'source/bundle-bad-content': {
    meaning: 'A policy bundle is signed with the right key, but what it says is not of the right form.',
    next: 'Sign the policies again with `portcullis policy bundle` of the same release as the gate.',
  },
  'source/bundle-bad-signature': {
    meaning: 'A policy bundle was changed after it was signed, or the key that it names did not sign it.',
    next: 'Fetch it again; where that does not help, find out who changed it.',
  },
  'source/bundle-expired': {
    meaning: 'A policy bundle has ended; a running gate keeps the set it has, a start is refused.',
    next: 'Sign the policies again, with a higher version.',
  },
  'source/bundle-from-future': {
    meaning: 'A policy bundle was signed more than five minutes ahead of the clock here.',
    next: 'Compare the clocks of this machine and of the one that signed it.',
  },
  'source/bundle-key': {
    meaning: 'The key of policy bundles cannot be used.',
    next: 'Give an Ed25519 or P-256 key in PEM: the public one to a gate, the private one to sign.',
  },
  'source/bundle-malformed': {
    meaning: 'A file is no policy bundle, or its header says more than a bundle may say.',
    next: 'Make the file with `portcullis policy bundle --sign`.',
  },
  'source/bundle-rollback': {
    meaning: 'A policy bundle is older than, or another of the same version as, one that was taken before.',
    next: 'Sign the policies again, with a higher version; find out who brought the old bundle.',
  },
  'source/bundle-state': {
    meaning: 'The file in which a gate remembers the highest version cannot be read or written.',
    next: 'Put it on a disk that the gate may write to; put back a copy where it is damaged.',
  },
  'source/bundle-too-large': {
    meaning: 'A policy bundle is larger than 16 MiB.',
    next: 'Split the policy set, one for each gate.',
  },
  'source/bundle-unknown-key': {
    meaning: 'A policy bundle is signed with another key than the pinned one.',
    next: 'Sign with the key that the gate knows, or give the gate the new public key and start it again.',
  },
  'source/bundle-unreadable': {
    meaning: 'The file of a policy bundle cannot be read.',
    next: 'Check the path and the permissions.',
  },
  'source/bundle-version': {
    meaning: 'The version for a new policy bundle is missing, or not above the one before.',
    next: 'Give `--version` a number that rises with every run, such as the number of the CI run.',
  },
  // tool: the command line
  'tool/admin-answer': {
    meaning: 'What answers at the admin socket is no broker of ours, or it stopped in the middle of an answer.',
    next: 'Check the path of the socket, and the log of the broker.',
  },
  'tool/admin-busy': {
    meaning: 'As many commands talk to the broker over its admin socket as may at once.',
    next: 'End one, such as a `portcullis watch` that was forgotten.',
  },
  'tool/admin-denied': {
    meaning: 'The admin socket belongs to another user.',
    next: 'Run the command as the user that the broker runs as, such as `sudo -u portcullis portcullis status`.',
  },
  'tool/admin-request': {
    meaning: 'A request at the admin socket is not one that the broker understands.',
    next: 'Write one JSON object on one line; docs/admin.md lists the commands.',
  },
  'tool/admin-version': {
    meaning: 'The broker at the admin socket is of another version than the command.',
    next: 'Use the `portcullis` that the broker was started with, or restart the broker.',
  },
  'tool/bad-action': {
    meaning: 'The action is not one that can be asked about.',
    next: 'Write publish, subscribe, receive, will or connect.',
  },
  'tool/bad-answer': {
    meaning: 'A setting of a new policy repository is missing, or is not one that there is.',
    next: 'Give `--root`, `--device-name` and `--operators` as `portcullis init --help` shows, or `--yes`.',
  },
  'tool/bad-passphrase': {
    meaning: 'The passphrase of the authority is missing, empty, too short, or typed differently the second time.',
    next: 'Use `--passphrase-file`, set `PORTCULLIS_CA_PASSPHRASE`, or type it on a terminal.',
  },
  'tool/bad-revision': {
    meaning: 'The policies of a git revision cannot be read.',
    next: 'Name a folder, a revision, or two as `main..HEAD`, inside a git repository.',
  },
  'tool/bad-sessions': {
    meaning: 'The file is not the list of sessions that `portcullis session list --json` writes.',
    next: 'Give the output of `portcullis session list --json` as it is, or `-` and pipe it in.',
  },
  'tool/bad-who': {
    meaning: 'The text does not say who is asked about.',
    next: 'Write a certificate file, `subject:OU=s1,CN=pump-7` or `device:site=s1,device=pump-7`.',
  },
  'tool/file-exists': {
    meaning: 'A file that a new policy repository needs is there already, and nothing was written.',
    next: 'Name an empty folder, or move the file away.',
  },
  'tool/foreign-file': {
    meaning: 'A file that was not made by the command would be overwritten.',
    next: 'Name another file, or delete that one; `policy map --force` overwrites it.',
  },
  'tool/no-broker': {
    meaning: 'No broker answers at the admin socket.',
    next: 'Start one with `portcullis serve`, or name its socket with `--admin`.',
  },
  'tool/no-decision': {
    meaning: 'A line of a decision log holds no decision that a policy could be asked about again.',
    next: 'Name a line whose event is permitted, refused, connected or connect-refused and that says who it was.',
  },
  'tool/nothing-to-draft': {
    meaning: 'No policy can be drafted from the log.',
    next: 'Record with `serve --report-only` and `log: { permits: all }`, under policies that load.',
  },
  'tool/no-session': {
    meaning: 'There is no session of that client id, or nothing of it that could be ended.',
    next: 'Look it up with `portcullis session list`.',
  },
  'tool/not-a-log': {
    meaning: 'A line that should be of a decision log is none.',
    next: 'Give the JSON log that `portcullis serve --log FILE` writes.',
  },
  'tool/unreadable-certificate': {
    meaning: 'The certificate file cannot be read, or holds no certificate.',
    next: 'Name a PEM file of the device certificate.',
  },
  'tool/unwritable-file': {
    meaning: 'The file that the command should write cannot be written.',
    next: 'Name a file in a folder that exists and that you may write to.',
  },
} as const

problemCodes satisfies Record<string, CodeEntry>
