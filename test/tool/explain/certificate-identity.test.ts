/** A certificate file as WHO: identified as the gate does it, with the issuer verified where there is a configuration. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadPolicySet } from '../../../src/policy/load.ts'
import type { PolicySet } from '../../../src/policy/model.ts'
import { ensureDevCerts } from '../../../src/provision/dev-certs.ts'
import { identifyCertificateFile } from '../../../src/tool/explain/certificate-identity.ts'

const policy = `portcullis: 1
identities:
  device:
    issuer: acme
    from: { subject.ou: "\${site}", subject.cn: "\${device}" }
    unique: [device]
    clientId: "\${device}"
`
const configuration = `issuers:
  acme: { certificates: [issuing.pem], root: root.pem, crl: [acme.crl] }
`

let folder: string
let set: PolicySet

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-explain-'))
  await ensureDevCerts(join(folder, 'certs-dev'), () => new Date())
  await cp(join(folder, 'certs-dev'), folder, { recursive: true })
  await writeFile(join(folder, 'portcullis.config.yaml'), configuration)
  const loaded = loadPolicySet([{ name: 'plant.yaml', text: policy }], { folder: 'policies' })
  expect(loaded.problems).toEqual([])
  set = loaded.set as PolicySet
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const identify = async (name: string, verify: boolean, nowMs: number = Date.now()): Promise<unknown> => {
  const config = verify ? join(folder, 'portcullis.config.yaml') : undefined
  const { identity } = await identifyCertificateFile(join(folder, `${name}.pem`), set, { config, nowMs })
  return identity.ok ? Object.fromEntries(identity.value.captures) : identity.problem.code
}

test('a device is who its certificate says, with and without a configuration', async () => {
  expect(await identify('pump-7', true)).toEqual({ site: 's1', device: 'pump-7' })
  expect(await identify('pump-7', false)).toEqual({ site: 's1', device: 'pump-7' })
})

test('an expired, a foreign and a CA certificate are told apart', async () => {
  const inAHundredYears = Date.now() + 36_525 * 86_400_000
  expect(await identify('pump-7', false, inAHundredYears)).toBe('authenticate/expired')
  expect(await identify('intruder', true)).toBe('accept/unknown-issuer')
  expect(await identify('issuing', false)).toBe('authenticate/ca-certificate')
})

test('a file that is not there, or holds no certificate, is a mistake of the caller', async () => {
  await writeFile(join(folder, 'empty.pem'), 'nothing\n')
  await expect(identify('empty', false)).rejects.toThrow('tool/unreadable-certificate: the file holds no certificate')
  await expect(identify('nobody', false)).rejects.toThrow(
    'tool/unreadable-certificate: the certificate file cannot be read (ENOENT)',
  )
})
