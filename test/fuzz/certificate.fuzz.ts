import { test } from 'vitest'
import { parseCrlFile } from '../../src/accept/crl.ts'
import { parseCertificate } from '../../src/authenticate/certificate.ts'
import { identify } from '../../src/authenticate/identify.ts'
import { checkCertificate } from '../../src/authenticate/rules.ts'
import { makeCrl, makeDevice, makeIssuing, makeRoot, start } from '../support/authorities.ts'
import { must, setOf } from '../support/policy-set.ts'
import { fuzz } from './fuzz.ts'

const root = makeRoot()
const issuing = makeIssuing(root)
const certificates = [
  root.der,
  issuing.der,
  ...['pump-7', 'a', 'x'.repeat(60)].map(name => makeDevice(issuing, name).der),
]
const crl = makeCrl(issuing, {
  revoked: Array.from({ length: 20 }, (_, index) => ({ serialHex: (index + 1).toString(16), date: new Date(start) })),
}).der
const set = setOf('identities:\n  d: { from: { subject.cn: "${n}" }, clientId: "${n}" }\n')

test('certificates and CRLs', { timeout: 0 }, () =>
  fuzz('certificate', 0.2, random => {
    if (random.chance(30)) {
      const read = parseCrlFile(random.injure(crl))
      if (!read.ok && read.problem.sentence === '') throw new Error('a CRL was refused without a sentence')
      return
    }
    const injured = random.injure(random.pick(certificates))
    const read = parseCertificate(injured)
    if (!read.ok) return
    checkCertificate(read.value, start)
    const identity = identify(set, read.value, 'acme')
    // whatever is read out of it is a safe value, or it is nobody
    if (identity.ok && !/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(must(identity).captures.get('n') ?? '')) {
      throw new Error(`a certificate was taken for ${JSON.stringify(must(identity).captures.get('n'))}`)
    }
  }),
)
