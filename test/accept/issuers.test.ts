import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Issuers } from '../../src/accept/issuers.ts'
import { type IssuersConfig, loadIssuers } from '../../src/accept/load-issuers.ts'
import { ConfigurationError } from '../../src/problem.ts'
import { createIssuing, createRoot } from '../../src/provision/authority.ts'
import { codesOf, dayMs, MemoryFiles, makeDevice, makeIssuing, makeRoot, start } from '../support/authorities.ts'

const root = makeRoot()
const issuing = makeIssuing(root)
const device = makeDevice(issuing)
const files = (): MemoryFiles => new MemoryFiles().set('root.pem', root.pem).set('issuing.pem', issuing.pem)
const acme = { certificates: ['issuing.pem'], root: 'root.pem' }

const load = (config: IssuersConfig, from: MemoryFiles = files(), now: number = start): Promise<Issuers> =>
  loadIssuers(config, '/pki', { readFile: from.readFile, now: () => now })

describe('loadIssuers (1.1)', () => {
  it('gives names, and every CA once for TLS', async () => {
    const issuers = await load({ acme })
    expect(issuers.names).toEqual(['acme'])
    expect(issuers.tlsCa.map(pem => new X509Certificate(pem).subject)).toEqual(['CN=Acme Issuing', 'CN=Acme Root'])
    expect(issuers.notes).toEqual([])
  })

  it('shares a root between issuers', async () => {
    const other = makeIssuing(root, 'Other Issuing')
    const issuers = await load(
      { acme, other: { certificates: ['other.pem'], root: 'root.pem' } },
      files().set('other.pem', other.pem),
    )
    expect(issuers.tlsCa).toHaveLength(3)
    expect(issuers.findIssuer(device.der, device.fingerprint)?.name).toBe('acme')
  })

  it('refuses a CA that another root signed, or that stands below a path length of 0', async () => {
    const between = createRoot({ subject: [['CN', 'Between']], now: () => new Date(start), validDays: 300 })
    expect(
      await codesOf(
        load(
          { acme: { certificates: ['issuing.pem', 'between.pem'], root: 'root.pem' } },
          files().set('between.pem', between.pem),
        ),
      ),
    ).toEqual(['config/not-chained'])
    const limited = makeIssuing(issuing, 'Below a CA that may have none below')
    expect(
      await codesOf(
        load(
          { acme: { certificates: ['issuing.pem', 'limited.pem'], root: 'root.pem' } },
          files().set('limited.pem', limited.pem),
        ),
      ),
    ).toEqual(['config/not-chained'])
  })

  it('takes a root that issues devices itself', async () => {
    const issuers = await load({ acme: { certificates: ['root.pem'], root: 'root.pem' } })
    const direct = makeDevice(root)
    expect(issuers.findIssuer(direct.der, direct.fingerprint)?.ca.subject).toBe('CN=Acme Root')
  })

  it('refuses an empty configuration and an issuer without a CA', async () => {
    expect(await codesOf(load({}))).toEqual(['config/missing-key'])
    expect(await codesOf(load({ acme: { certificates: [], root: 'root.pem' } }))).toContain('config/missing-key')
  })

  it('tells every problem at once, each with its file', async () => {
    const error = await load(
      {
        a: { certificates: ['missing.pem'], root: 'root.pem' },
        b: { certificates: ['leaf.pem', 'garbage.pem', 'two.pem'], root: 'root.pem' },
      },
      files()
        .set('leaf.pem', device.pem)
        .set('garbage.pem', 'hello')
        .set('two.pem', issuing.pem + root.pem),
    ).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ConfigurationError)
    const found = (error as ConfigurationError).problems.map(p => `${p.code} ${p.where?.file}`)
    expect(found.sort()).toEqual([
      'config/bad-certificate garbage.pem',
      'config/bad-certificate two.pem',
      'config/not-a-ca leaf.pem',
      'config/unreadable-file missing.pem',
    ])
  })

  it('refuses a CA that does not chain to the root, and a root that is not self-signed', async () => {
    const stranger = makeRoot('Acme Root')
    expect(
      await codesOf(
        load(
          { acme: { certificates: ['issuing.pem'], root: 'stranger.pem' } },
          files().set('stranger.pem', stranger.pem),
        ),
      ),
    ).toEqual(['config/not-chained'])
    expect(await codesOf(load({ acme: { certificates: ['issuing.pem'], root: 'issuing.pem' } }))).toEqual([
      'config/not-chained',
    ])
  })

  it('refuses a CA with a weak curve', async () => {
    const weakKeys = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
    const weak = createIssuing(root, {
      subject: [['CN', 'Weak']],
      now: () => new Date(start),
      validDays: 10,
      keys: weakKeys,
    })
    expect(
      await codesOf(
        load({ acme: { certificates: ['weak.pem'], root: 'root.pem' } }, files().set('weak.pem', weak.pem)),
      ),
    ).toContain('config/weak-ca')
  })

  it('needs distinct key identifiers in CAs of one name', async () => {
    const twin = makeIssuing(root)
    const both = { acme: { certificates: ['issuing.pem', 'twin.pem'], root: 'root.pem' } }
    const issuers = await load(both, files().set('twin.pem', twin.pem))
    const other = makeDevice(twin)
    expect(issuers.findIssuer(other.der, other.fingerprint)?.caFingerprint).toBe(sha256(twin.der))
    expect(issuers.findIssuer(device.der, device.fingerprint)?.caFingerprint).toBe(sha256(issuing.der))
    const renewed = createIssuing(root, {
      subject: [['CN', 'Acme Issuing']],
      now: () => new Date(start),
      validDays: 400,
      keys: issuing.keys,
    })
    expect(await codesOf(load(both, files().set('twin.pem', renewed.pem)))).toEqual(['config/ambiguous-ca'])
  })

  it('refuses a CA that is named twice', async () => {
    expect(await codesOf(load({ acme, copy: acme }))).toEqual(['config/ambiguous-ca'])
    expect(await codesOf(load({ acme: { certificates: ['issuing.pem', 'issuing.pem'], root: 'root.pem' } }))).toEqual([
      'config/ambiguous-ca',
    ])
  })

  it('notes a CA that has ended while another works, and refuses to start with none', async () => {
    const newer = makeIssuing(root, 'Acme Issuing', 1000)
    const later = start + 400 * dayMs
    const both = await load(
      { acme: { certificates: ['issuing.pem', 'newer.pem'], root: 'root.pem' } },
      files().set('newer.pem', newer.pem),
      later,
    )
    expect(both.notes.map(p => p.code)).toEqual(['config/ca-expired'])
    expect(await codesOf(load({ acme }, files(), later))).toEqual(['config/ca-expired'])
    expect(await codesOf(load({ acme }, files(), start - dayMs))).toContain('config/ca-expired')
  })
})

describe('findIssuer (1.1)', () => {
  it('finds the CA whose name the leaf has and whose key signed it', async () => {
    const issuers = await load({ acme: { ...acme, only: { site: ['s1'] } } })
    for (let again = 0; again < 2; again++) {
      const found = issuers.findIssuer(device.der, device.fingerprint)
      expect(found).toMatchObject({ name: 'acme', caFingerprint: sha256(issuing.der) })
      expect(found?.only).toEqual(new Map([['site', ['s1']]]))
    }
  })

  it('remembers nothing of CAs that have been replaced', async () => {
    const issuers = await load({ acme })
    expect(issuers.findIssuer(device.der, device.fingerprint)?.name).toBe('acme')
    const otherRoot = makeRoot()
    const others = files().set('root.pem', otherRoot.pem).set('issuing.pem', makeIssuing(otherRoot).pem)
    issuers.replace(await load({ acme }, others))
    expect(issuers.findIssuer(device.der, device.fingerprint)).toBeUndefined()
  })

  it('does not find a stranger of the same name, a leaf of the root, a changed leaf or no certificate', async () => {
    const issuers = await load({ acme })
    const stranger = makeDevice(makeIssuing(makeRoot()))
    expect(issuers.findIssuer(stranger.der, stranger.fingerprint)).toBeUndefined()
    const direct = makeDevice(root)
    expect(issuers.findIssuer(direct.der, direct.fingerprint)).toBeUndefined()
    const trailing = Buffer.concat([device.der, Buffer.from([0])])
    expect(issuers.findIssuer(trailing, sha256(trailing))).toBeUndefined()
    const changed = Buffer.from(device.der)
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    expect(issuers.findIssuer(changed, sha256(changed))).toBeUndefined()
    for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), device.der.subarray(0, 90)]) {
      expect(issuers.findIssuer(bytes, sha256(bytes))).toBeUndefined()
    }
  })
})

function sha256(der: Buffer): string {
  try {
    return new X509Certificate(der).fingerprint256.replaceAll(':', '').toLowerCase()
  } catch {
    return `none ${der.toString('hex')}`
  }
}
