/** Every check of the audit on a real authority: each fault alone is found by its own check, and by no other. */
import { generateKeyPairSync } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { problem } from '../../../src/problem.ts'
import { type AuditCode, auditChecks, auditCodes, auditLevels } from '../../../src/prove/audit/audit-checks.ts'
import { signCrl } from '../../../src/provision/authority.ts'
import type { NewCa } from '../../../src/provision/ca-folder.ts'
import { publishCrl } from '../../../src/provision/crl-file.ts'
import { createKeys, keyHashOf, toPem } from '../../../src/provision/keys.ts'
import { AuditBench, type Member } from '../../support/audit-bench.ts'
import { extensions, oddCertificate, rsaKeys } from '../../support/pki.ts'

let bench: AuditBench
beforeEach(() => {
  bench = new AuditBench()
})
afterEach(() => bench.close())

interface Fleet {
  readonly pump1: Member
  readonly pump2: Member
}

/** Two devices, which connect and publish on the first day; the audit is on the tenth. */
async function makeFleet(ca: Partial<NewCa> = {}, days = 300): Promise<Fleet> {
  await bench.create(ca)
  const [pump1, pump2] = [await bench.issue('pump-1', days), await bench.issue('pump-2', days)]
  for (const one of [pump1, pump2]) {
    bench.connected(one)
    bench.permitted(one)
    bench.disconnected(one)
  }
  bench.at(10)
  return { pump1, pump2 }
}

const action = { verb: 'publish', topic: 'x', qos: 0, retain: false, payloadBytes: 1 } as const
const refusal = problem('decide/no-rule', 'no rule allows it')

interface Fault {
  readonly code: AuditCode
  readonly what: string
  readonly ca?: Partial<NewCa>
  /** How long the two devices last. */
  readonly days?: number
  readonly seed: (fleet: Fleet) => unknown
  /** Of the one finding. */
  readonly subject: string
}

const crlFile = (): string => bench.ca.crlFile
const revoke = (one: Member): void => {
  bench.ca.ledger.revoke(bench.ca.ledger.ofName(one.name), 'keyCompromise')
}
const toAndFro = (one: Member, times: number): void => {
  for (let time = 0; time < times; time++) {
    bench.at(5 + time / 1440)
    bench.connected(one, time % 2 === 0 ? '192.0.2.1' : '198.51.100.9')
  }
  bench.at(10)
}

const faults: readonly Fault[] = [
  {
    code: 'weak-ca',
    what: 'a root that signed itself with SHA-1',
    seed: async () => {
      const root = await bench.workbench.root(bench.ca)
      const notAfter = new Date(bench.start + 4000 * 86_400_000)
      const der = oddCertificate({ keys: root.keys, by: root, hash: 'sha1', notAfter, extensions: [extensions.ca] })
      writeFileSync(join(bench.workbench.path, 'root.pem'), toPem('CERTIFICATE', der))
    },
    subject: 'OU=s1, CN=pump-7',
  },
  {
    code: 'ca-ended',
    what: 'an issuing CA, with all that it signed',
    ca: { issuingDays: 5 },
    days: 4,
    seed: () => undefined,
    subject: 'O=acme, CN=acme issuing',
  },
  { code: 'crl-over', what: 'no CRL', seed: () => rmSync(crlFile()), subject: 'acme.crl' },
  {
    code: 'crl-over',
    what: 'a CRL past its nextUpdate',
    ca: { crlDays: 9 },
    seed: () => undefined,
    subject: 'acme.crl',
  },
  {
    code: 'crl-over',
    what: 'a CRL that is none',
    seed: () => writeFileSync(crlFile(), 'nothing'),
    subject: 'acme.crl',
  },
  {
    code: 'crl-over',
    what: 'a CRL by another key',
    seed: async () => {
      const { pem } = signCrl(await bench.workbench.root(bench.ca), {
        ...{
          number: 9,
          thisUpdate: new Date(bench.start),
          nextUpdate: new Date(bench.start + 30 * 86_400_000),
          revoked: [],
        },
      })
      writeFileSync(crlFile(), pem)
    },
    subject: 'acme.crl',
  },
  {
    code: 'crl-behind',
    what: 'superseded, and no CRL written',
    seed: () => {
      const renewed = bench.issueOdd({ name: 'pump-1' })
      for (const one of bench.ca.ledger.ofSerial(renewed.signed.serialHex)) bench.ca.ledger.supersedeOlder(one)
      bench.connected(renewed)
    },
    subject: 'acme.crl',
  },
  { code: 'crl-behind', what: 'revoked, and no CRL written', seed: ({ pump1 }) => revoke(pump1), subject: 'acme.crl' },
  {
    code: 'revoked-connected',
    what: 'let in after it was revoked, by the log',
    seed: async ({ pump1 }) => {
      revoke(pump1)
      await publishCrl(bench.ca, 30)
      bench.at(11)
      bench.connected(pump1)
    },
    subject: 'device:device=pump-1',
  },
  {
    code: 'revoked-connected',
    what: 'revoked, and a live session',
    seed: async ({ pump1 }) => {
      revoke(pump1)
      await publishCrl(bench.ca, 30)
      bench.session(pump1)
    },
    subject: 'device:device=pump-1',
  },
  {
    code: 'unknown-certificate',
    what: 'a session with a serial of this CA that the ledger never gave',
    seed: ({ pump1 }) =>
      bench.session(pump1, { fingerprint: undefined, serial: 'abcdef', issuerKeyId: bench.ca.issuerKeyId }),
    subject: 'device:device=pump-1',
  },
  {
    code: 'unknown-certificate',
    what: 'another certificate for an identity of the ledger, in the log',
    seed: ({ pump2 }) => bench.connected({ ...pump2, fingerprint: 'ab'.repeat(32) }),
    subject: 'device:device=pump-2',
  },
  {
    code: 'unknown-certificate',
    what: 'a live session of a certificate that the ledger only reserved',
    seed: () => {
      reserve(10)
      bench.session(
        { name: 'pump-3', identity: 'device:device=pump-3' },
        { serial: 'aa', issuerKeyId: bench.ca.issuerKeyId },
      )
    },
    subject: 'device:device=pump-3',
  },
  {
    code: 'weak-key',
    what: 'RSA with 1024 bits',
    seed: () => bench.connected(bench.issueOdd({ name: 'pump-3', keys: rsaKeys(1024) })),
    subject: 'device:device=pump-3',
  },
  {
    code: 'weak-key',
    what: 'a signature with SHA-1',
    seed: () => bench.connected(bench.issueOdd({ name: 'pump-3', hash: 'sha1' })),
    subject: 'device:device=pump-3',
  },
  {
    code: 'weak-key',
    what: 'a curve that nobody trusts, of a server',
    seed: () =>
      bench.issueOdd({
        name: 'broker',
        profile: 'server',
        keys: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
      }),
    subject: 'server broker',
  },
  {
    code: 'ca-ending',
    what: 'an issuing CA, before its devices were renewed beyond it',
    ca: { issuingDays: 39 },
    days: 5,
    seed: () => undefined,
    subject: 'O=acme, CN=acme issuing',
  },
  {
    code: 'outlives-ca',
    what: 'a device that ends after its CA',
    seed: () => bench.connected(bench.issueOdd({ name: 'pump-3', days: 1000 })),
    subject: 'O=acme, CN=acme issuing',
  },
  {
    code: 'ended-in-use',
    what: 'a live session of an ended certificate',
    days: 5,
    seed: ({ pump1 }) => bench.session(pump1),
    subject: 'device:device=pump-1',
  },
  {
    code: 'ended-in-use',
    what: 'acting after its end, by the log',
    days: 5,
    seed: ({ pump1 }) => bench.permitted(pump1),
    subject: 'device:device=pump-1',
  },
  {
    code: 'shared-key',
    what: 'two devices with one key',
    seed: () => {
      const keys = createKeys()
      for (const name of ['pump-3', 'pump-4']) bench.connected(bench.issueOdd({ name, keys }))
    },
    subject: 'device:device=pump-3',
  },
  {
    code: 'several-addresses',
    what: 'two connections that overlap in the log',
    seed: ({ pump1 }) => {
      bench.at(5)
      bench.connected(pump1)
      bench.at(6)
      bench.connected({ ...pump1, name: 'pump-1-b' }, '198.51.100.9')
      bench.at(7)
      bench.disconnected(pump1)
      bench.at(10)
    },
    subject: 'device:device=pump-1',
  },
  {
    code: 'several-addresses',
    what: 'two live sessions',
    seed: ({ pump1 }) => {
      bench.session(pump1)
      bench.session(pump1, { address: '198.51.100.9' })
    },
    subject: 'device:device=pump-1',
  },
  {
    code: 'certificate-ending',
    what: 'a device that was not renewed',
    days: 39,
    seed: ({ pump2 }) => {
      revoke(pump2)
      return publishCrl(bench.ca, 30)
    },
    subject: 'device:device=pump-1',
  },
  {
    code: 'crl-aging',
    what: 'a CRL past half its time',
    ca: { crlDays: 19 },
    seed: () => undefined,
    subject: 'acme.crl',
  },
  {
    code: 'ca-missing',
    what: 'a device of a CA that is gone',
    seed: () => bench.connected(bench.issueOdd({ name: 'pump-3', issuerKeyId: 'f0'.repeat(32) })),
    subject: `CA with the key ${'f0'.repeat(32)}`,
  },
  {
    code: 'shared-name',
    what: 'two keys for longer than a renewal takes',
    seed: () => {
      bench.at(0)
      const both = [bench.issueOdd({ name: 'pump-3' }), bench.issueOdd({ name: 'pump-3' })]
      bench.at(15)
      for (const one of both) bench.connected(one)
      return publishCrl(bench.ca, 30)
    },
    subject: 'device:device=pump-3',
  },
  {
    code: 'address-flapping',
    what: 'taken over to and fro',
    seed: ({ pump1 }) => toAndFro(pump1, 7),
    subject: 'device:device=pump-1',
  },
  {
    code: 'policy-refuses',
    what: 'a device that the policy has no place for any more',
    seed: () => bench.connected(bench.issueOdd({ name: 'banned' })),
    subject: 'device:device=banned',
  },
  {
    code: 'policy-refuses',
    what: 'a device that would be somebody else now',
    seed: () => bench.connected(bench.issueOdd({ name: 'pump-3', identity: 'device:device=pump-33' })),
    subject: 'device:device=pump-33',
  },
  {
    code: 'no-rights',
    what: 'a device without a rule',
    seed: async () => bench.connected(await bench.issue('valve-1', 300, 'valve:n=1')),
    subject: 'valve:n=1',
  },
  {
    code: 'many-refusals',
    what: 'one identity, over and over, the last ones only counted',
    seed: ({ pump1 }) => {
      const peer = bench.peer(pump1)
      for (let time = 0; time < 60; time++)
        bench.trace({ event: 'refused', peer, action, problem: refusal, revision: '0' })
      bench.trace({ event: 'suppressed', peer, count: 40, codes: { 'decide/no-rule': 40 }, seconds: 9 })
    },
    subject: 'device:device=pump-1',
  },
  {
    code: 'nobody-refused',
    what: 'one address, over and over',
    seed: () => {
      const peer = { address: '203.0.113.5' }
      for (let time = 0; time < 20; time++)
        bench.trace({ event: 'handshake-refused', peer, problem: problem('accept/no-certificate', 'no certificate') })
    },
    subject: '203.0.113.5',
  },
  {
    code: 'many-tokens',
    what: 'tokens for a hundred and one',
    seed: () => addTokens(101, 20),
    subject: 'enrolment tokens',
  },
  {
    code: 'unusual-key',
    what: 'P-521',
    seed: () =>
      bench.connected(bench.issueOdd({ name: 'pump-3', keys: generateKeyPairSync('ec', { namedCurve: 'P-521' }) })),
    subject: 'device:device=pump-3',
  },
  {
    code: 'never-seen',
    what: 'a device that never came',
    seed: async () => {
      bench.at(3)
      await bench.issue('pump-3')
      bench.at(10)
    },
    subject: 'device:device=pump-3',
  },
  {
    code: 'stuck-reservation',
    what: 'a serial that nothing came of',
    seed: () => reserve(11),
    subject: 'device:device=pump-3',
  },
  {
    code: 'unused-grant',
    what: 'a rule that nobody used',
    seed: () => {
      bench.policy = bench.policy.replace('allow: [', 'allow: [{ subscribe: "plant/${device}/orders" }, ')
    },
    subject: expect.stringMatching(/^plant\.yaml:7:/),
  },
  {
    code: 'expired-tokens',
    what: 'a token that nobody spent',
    seed: () => addTokens(1, 9),
    subject: 'enrolment tokens',
  },
]

function addTokens(number: number, untilDay: number): void {
  const expires = new Date(bench.start + untilDay * 86_400_000)
  for (let index = 0; index < number; index++) {
    const name = `new-${index}`
    const jti = index.toString(16).padStart(32, '0')
    bench.ca.ledger.tokens.add({
      jti,
      issuerKeyId: bench.ca.issuerKeyId,
      name,
      identity: `device:device=${name}`,
      expires,
    })
  }
}

/** The audit is that many days after the start. */
function reserve(auditDay: number): void {
  const { issuerKeyId } = bench.ca
  const about = {
    profile: 'device',
    name: 'pump-3',
    identity: 'device:device=pump-3',
    clientIds: [],
    holds: [],
  } as const
  const keyHash = keyHashOf(createKeys().publicKey)
  bench.ca.ledger.reserve({
    ...about,
    issuerKeyId,
    serialHex: 'aa',
    keyHash,
    notAfter: new Date(bench.start + 1e10),
    renew: false,
  })
  bench.at(auditDay)
}

describe('a fleet with one fault', () => {
  test.each(faults)('$code: $what', async ({ code, ca, days, seed, subject }) => {
    await seed(await makeFleet(ca, days))
    const { findings, notMade } = await bench.audit()
    expect(notMade).toEqual([])
    expect(findings.map(one => [one.code, one.subject])).toEqual([[code, subject]])
    expect(findings[0]).toMatchObject({ level: auditChecks[code].level, next: expect.stringMatching(/\S/) })
    expect(findings[0]?.sentence).toMatch(/^\S.*[^.\s]$/)
  })

  test('every check has a fault here, and is of a known level, worst first', () => {
    expect(new Set(faults.map(({ code }) => code))).toEqual(new Set(auditCodes))
    expect(Object.keys(auditChecks)).toEqual(auditCodes)
    const ranks = auditCodes.map(code => auditLevels.indexOf(auditChecks[code].level))
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b))
  })
})

describe('a fleet without a fault', () => {
  test('gives nothing, by every check', async () => {
    const { pump1, pump2 } = await makeFleet()
    bench.session(pump1)
    bench.session(pump2, { state: 'kept' })
    const audit = await bench.audit()
    expect(audit).toEqual({ findings: [], made: auditCodes, partly: [], notMade: [], notes: [] })
  })

  test.each([
    [
      'a renewal of a day less than two weeks ago',
      async () => {
        bench.connected(bench.issueOdd({ name: 'pump-1' }))
        bench.at(23)
        await publishCrl(bench.ca, 30)
      },
    ],
    [
      'a device that is on its way for less than a week',
      async () => {
        bench.at(3.5)
        await bench.issue('pump-3')
        bench.at(10)
      },
    ],
    [
      'a session of a certificate of another CA',
      async ({ pump1 }: Fleet) => bench.session(pump1, { fingerprint: 'ee'.repeat(32), issuerKeyId: 'ff'.repeat(32) }),
    ],
    ['a take-over from another address', async ({ pump1 }: Fleet) => toAndFro(pump1, 2)],
    [
      'a device that moves on and on',
      async ({ pump1 }: Fleet) => {
        for (let place = 1; place < 40; place++) bench.connected(pump1, `192.0.2.${place}`)
      },
    ],
    [
      'a superseded certificate on the CRL',
      async () => {
        const { serialHex } = bench.issueOdd({ name: 'pump-1' }).signed
        const [record] = bench.ca.ledger.ofSerial(serialHex)
        if (record) bench.ca.ledger.supersedeOlder(record)
        await publishCrl(bench.ca, 30)
      },
    ],
    [
      'a session that ended within a minute after it was revoked',
      async ({ pump1 }: Fleet) => {
        revoke(pump1)
        await publishCrl(bench.ca, 30)
        bench.at(10 + 59 / 86_400)
        bench.permitted(pump1)
      },
    ],
    [
      'what was refused 99 times, or 19 times before anybody was known',
      async ({ pump1 }: Fleet) => {
        const peer = bench.peer(pump1)
        bench.trace({ event: 'suppressed', peer, count: 99, codes: { 'decide/no-rule': 99 }, seconds: 9 })
        const nobody = { address: '203.0.113.5' }
        bench.trace({
          event: 'suppressed',
          peer: nobody,
          count: 19,
          codes: { 'accept/no-certificate': 19 },
          seconds: 9,
        })
      },
    ],
    ['tokens for a hundred', async () => addTokens(100, 20)],
    [
      'a device that was let go',
      async () => {
        bench.at(0)
        bench.connected(await bench.issue('pump-3', 5))
        bench.at(10)
      },
    ],
  ])('%s is none', async (_, happen) => {
    await happen(await makeFleet())
    expect((await bench.audit()).findings).toEqual([])
  })
})

test('whom no issuer of the configuration has signed is refused', async () => {
  await makeFleet()
  const { findings } = await bench.audit({ unconfigured: [bench.ca.issuerKeyId] })
  expect(findings.map(({ code, sentence }) => [code, sentence])).toEqual(
    Array(2).fill([
      'policy-refuses',
      'it would be refused: no issuer of the configuration is its CA (provision/not-configured)',
    ]),
  )
})

describe('what is not known is not reported as good', () => {
  test('without inputs the checks that need them are not made', async () => {
    await makeFleet()
    const audit = await bench.audit({ policies: false, log: false, sessions: false })
    expect(audit.notMade).toEqual([
      ...['revoked-connected', 'unknown-certificate', 'ended-in-use', 'several-addresses'].map(code => ({
        code,
        why: 'it needs --log or --sessions',
      })),
      { code: 'address-flapping', why: 'it needs --log' },
      { code: 'policy-refuses', why: 'it needs --policies' },
      { code: 'no-rights', why: 'it needs --policies' },
      { code: 'many-refusals', why: 'it needs --log' },
      { code: 'nobody-refused', why: 'it needs --log' },
      { code: 'never-seen', why: 'it needs --log' },
      { code: 'unused-grant', why: 'it needs --policies and --log' },
    ])
    expect(audit.made).not.toContain('unused-grant')
  })

  test('with one of two sources a check is made in part', async () => {
    await makeFleet()
    const { partly } = await bench.audit({ log: false })
    expect(partly.map(({ code }) => code)).toEqual([
      ...['revoked-connected', 'unknown-certificate', 'ended-in-use', 'several-addresses'],
    ])
    expect(partly[0]?.why).toBe('without --log')
  })

  test('a log without permits says nothing of grants, one without connections nothing of who was never there', async () => {
    await makeFleet()
    bench.lines.splice(1)
    expect((await bench.audit()).notMade).toEqual([
      { code: 'never-seen', why: 'the log has no line `connected`' },
      { code: 'unused-grant', why: 'the log has no permits (`log.permits: none`?)' },
    ])
  })

  test('who was issued before the log begins is not judged', async () => {
    const { pump1 } = await makeFleet()
    bench.lines.splice(0)
    bench.connected(pump1)
    const { findings, notes } = await bench.audit()
    expect(findings.filter(({ code }) => code === 'never-seen')).toEqual([])
    expect(notes).toEqual([expect.stringMatching(/^never-seen: 1 not seen, but issued before the log begins/)])
  })

  test('a stranger may be of another issuer, unless there is none', async () => {
    await makeFleet()
    bench.connected({ name: 'x', identity: 'device:device=x', fingerprint: 'cd'.repeat(32) })
    const unsure = await bench.audit()
    expect(unsure.findings).toEqual([])
    expect(unsure.notes).toEqual([expect.stringMatching(/^unknown-certificate: 1 that the ledger does not know/)])
    const sure = await bench.audit({ isOnlyIssuer: true })
    expect(sure.findings.map(({ code }) => code)).toEqual(['unknown-certificate'])
    expect(sure.notes).toEqual([])
  })

  test('a session that does not say which certificate it has is counted', async () => {
    const { pump1 } = await makeFleet()
    bench.session(pump1, { fingerprint: undefined })
    expect((await bench.audit()).notes).toEqual(['sessions: 1 without fingerprint or serial: not judged'])
  })
})
