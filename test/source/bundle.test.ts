/** Signed bundles under attack: whatever is wrong with one, the set in force stays; and no older one comes back, after a restart neither. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompactSign, UnsecuredJWT } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Gate } from '../../src/gate.ts'
import { openGate } from '../../src/open-gate.ts'
import { PortcullisError } from '../../src/problem.ts'
import { ensureDevCerts } from '../../src/provision/dev-certs.ts'
import type { BundleFiles } from '../../src/source/bundle.ts'
import { type BundleContent, decodeContent, encodeContent, maxBundleBytes } from '../../src/source/bundle-content.ts'
import { type BundleAlgorithm, type BundleKey, createBundleKeys } from '../../src/source/bundle-key.ts'
import { bundleKeyId, signBundle } from '../../src/source/bundle-signature.ts'
import { revisionOf } from '../../src/source/load-texts.ts'
import type { TraceEvent } from '../../src/trace.ts'
import { problemOf } from '../support/policy-set.ts'

const startMs = Date.parse('2026-11-28T08:00:00Z')
const start = startMs / 1000
const day = 86_400

interface Pair {
  readonly signer: BundleKey
  readonly privatePem: string
  readonly publicPem: string
}

function pairOf(algorithm: BundleAlgorithm): Pair {
  const { privatePem, publicPem } = createBundleKeys(algorithm)
  return { privatePem, publicPem, signer: { key: createPrivateKey(privatePem), algorithm } }
}

/** A set of one rule about `topic`. */
const yaml = (topic: string): string => `portcullis: 1
identities:
  device: { from: { subject.cn: "\${device}" }, clientId: "\${device}", roles: [sensor] }
roles:
  sensor: { allow: [{ publish: "${topic}/\${device}" }] }
`

function contentOf(version: number, text = yaml('a'), more: Partial<BundleContent> = {}): BundleContent {
  const files = [{ name: 'plant.yaml', text }]
  return { version, revision: revisionOf(files), issuedAt: start, expiresAt: undefined, files, ...more }
}

const codesOf = async (work: Promise<unknown>): Promise<readonly string[]> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof PortcullisError)) throw new Error(`not refused: ${String(error)}`)
  return error.problems.map(({ code }) => code)
}

const ed = pairOf('Ed25519')
const other = pairOf('Ed25519')
let certs: string
let folder: string
let files: BundleFiles
let gates: Gate[]
let events: TraceEvent[]
let nowMs: number

beforeAll(async () => {
  certs = await mkdtemp(join(tmpdir(), 'portcullis-bundle-certs-'))
  await ensureDevCerts(certs, () => new Date(startMs))
})
afterAll(() => rm(certs, { recursive: true, force: true }))
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-bundle-'))
  files = {
    bundle: join(folder, 'policies.bundle'),
    key: join(folder, 'bundle.pub.pem'),
    state: join(folder, 'seen.json'),
  }
  await writeFile(files.key, ed.publicPem)
  gates = []
  events = []
  nowMs = startMs
})
afterEach(async () => {
  await Promise.all(gates.map(gate => gate.close()))
  await rm(folder, { recursive: true, force: true })
})

/** Puts a bundle in place as a careful writer does. */
async function put(text: string | Uint8Array): Promise<void> {
  await writeFile(join(folder, '.next'), text)
  await rename(join(folder, '.next'), files.bundle)
}

const putContent = async (content: BundleContent, { signer }: Pair = ed): Promise<void> =>
  put(await signBundle(encodeContent(content), signer))

async function open(watch = false): Promise<Gate> {
  const gate = await openGate({
    policies: files,
    baseFolder: certs,
    issuers: { acme: { certificates: ['issuing.pem'], root: 'root.pem', crl: ['acme.crl'] } },
    watch,
    now: () => nowMs,
    // of the policies only: CRLs tell of themselves too
    trace: event => {
      if (event.event.startsWith('policy-')) events.push(event)
    },
  })
  gates.push(gate)
  return gate
}

/** The payload of a bundle, changed, under the signature that it had. */
function tampered(text: string, change: (payload: string) => string): string {
  const [header, payload, signature] = text.trim().split('.') as [string, string, string]
  const changed = change(Buffer.from(payload, 'base64url').toString())
  return `${header}.${Buffer.from(changed).toString('base64url')}.${signature}`
}

/** Any header over a good payload, signed by the right key. */
const withHeader = async (header: Record<string, unknown>): Promise<string> =>
  new CompactSign(encodeContent(contentOf(2, yaml('b'))))
    .setProtectedHeader({ alg: 'Ed25519', typ: 'portcullis-bundle+jws', kid: await bundleKeyId(ed.signer), ...header })
    .sign(ed.signer.key)

const good = async (): Promise<string> => signBundle(encodeContent(contentOf(2, yaml('b'))), ed.signer)

const forged = (payload: unknown): Promise<string> => signBundle(Buffer.from(JSON.stringify(payload)), ed.signer)
const payload = { format: 1, version: 2, revision: '00000000', iat: start, files: [] as unknown[] }
const withFiles = (list: { name: string; text: string }[]): unknown => ({
  ...payload,
  revision: revisionOf(list),
  files: list,
})

/** Each by name: what is put in place of the bundle, and the code that it must be refused with. */
const attacks: readonly (readonly [string, () => Promise<string>, string])[] = [
  ['another key', () => signBundle(encodeContent(contentOf(2, yaml('b'))), other.signer), 'source/bundle-unknown-key'],
  [
    'another key under the name of the pinned one',
    async () =>
      new CompactSign(encodeContent(contentOf(2, yaml('b'))))
        .setProtectedHeader({ alg: 'Ed25519', typ: 'portcullis-bundle+jws', kid: await bundleKeyId(ed.signer) })
        .sign(other.signer.key),
    'source/bundle-bad-signature',
  ],
  [
    'a changed rule',
    async () => tampered(await good(), text => text.replace('b/${', '#/${')),
    'source/bundle-bad-signature',
  ],
  [
    'a changed version',
    async () => tampered(await good(), text => text.replace('"version":2', '"version":9')),
    'source/bundle-bad-signature',
  ],
  ['a signature cut off', async () => (await good()).replace(/\.[^.]*$/, '.'), 'source/bundle-malformed'],
  [
    'a signature of another bundle',
    async () =>
      `${(await good()).trim().slice(0, -86)}${(await signBundle(encodeContent(contentOf(3)), ed.signer)).trim().slice(-86)}`,
    'source/bundle-bad-signature',
  ],
  [
    'the algorithm none',
    async () =>
      new UnsecuredJWT({})
        .encode()
        .replace(
          /^[^.]*/,
          Buffer.from(
            JSON.stringify({ alg: 'none', typ: 'portcullis-bundle+jws', kid: await bundleKeyId(ed.signer) }),
          ).toString('base64url'),
        ),
    'source/bundle-malformed',
  ],
  [
    'the algorithm none, with a signature',
    async () =>
      `${Buffer.from(JSON.stringify({ alg: 'none', typ: 'portcullis-bundle+jws', kid: await bundleKeyId(ed.signer) })).toString('base64url')}.${Buffer.from(encodeContent(contentOf(2))).toString('base64url')}.AAAA`,
    'source/bundle-bad-signature',
  ],
  [
    'an HMAC with the public key',
    async () =>
      new CompactSign(encodeContent(contentOf(2, yaml('b'))))
        .setProtectedHeader({ alg: 'HS256', typ: 'portcullis-bundle+jws', kid: await bundleKeyId(ed.signer) })
        .sign(Buffer.from(ed.publicPem)),
    'source/bundle-bad-signature',
  ],
  [
    'a key of its own in the header',
    () => withHeader({ jwk: createPublicKey(other.publicPem).export({ format: 'jwk' }) }),
    'source/bundle-malformed',
  ],
  ['another type of JWS', () => withHeader({ typ: 'JWT' }), 'source/bundle-malformed'],
  ['a good signature over another form', () => forged({ hello: 'world' }), 'source/bundle-bad-content'],
  ['an unknown member', () => forged({ ...(withFiles([]) as object), more: 1 }), 'source/bundle-bad-content'],
  ['a later format', () => forged({ ...(withFiles([]) as object), format: 2 }), 'source/bundle-bad-content'],
  ['a version that is none', () => forged({ ...(withFiles([]) as object), version: 1.5 }), 'source/bundle-bad-content'],
  [
    'an end before its beginning',
    () => forged({ ...(withFiles([]) as object), exp: start - 1 }),
    'source/bundle-bad-content',
  ],
  [
    'files other than the revision says',
    () => forged({ ...payload, files: [{ name: 'a.yaml', text: '' }] }),
    'source/bundle-bad-content',
  ],
  [
    'a file outside of the folder',
    () => forged(withFiles([{ name: '../a.yaml', text: '' }])),
    'source/bundle-bad-content',
  ],
  ['a hidden file', () => forged(withFiles([{ name: '.a.yaml', text: '' }])), 'source/bundle-bad-content'],
  [
    'two files of one name',
    () =>
      forged(
        withFiles([
          { name: 'a.yaml', text: '1' },
          { name: 'a.yaml', text: '2' },
        ]),
      ),
    'source/bundle-bad-content',
  ],
  [
    'an expired bundle',
    () => signBundle(encodeContent(contentOf(2, yaml('b'), { issuedAt: start - 20, expiresAt: start })), ed.signer),
    'source/bundle-expired',
  ],
  [
    'a bundle from the future',
    () => signBundle(encodeContent(contentOf(2, yaml('b'), { issuedAt: start + 301 })), ed.signer),
    'source/bundle-from-future',
  ],
  [
    'a set that does not load',
    () => signBundle(encodeContent(contentOf(2, `${yaml('b')}rolse: {}\n`)), ed.signer),
    'policy/unknown-key',
  ],
  ['a text that is no bundle', async () => yaml('a'), 'source/bundle-malformed'],
  ['an empty file', async () => '', 'source/bundle-malformed'],
  ['an older version', () => signBundle(encodeContent(contentOf(1, yaml('b'))), ed.signer), 'source/bundle-rollback'],
  [
    'another bundle of the same version',
    () => signBundle(encodeContent(contentOf(5, yaml('b'))), ed.signer),
    'source/bundle-rollback',
  ],
  [
    'the same files and version, with another end',
    () => signBundle(encodeContent(contentOf(5, yaml('a'), { expiresAt: start + day })), ed.signer),
    'source/bundle-rollback',
  ],
]

describe('an attack is refused, and the set in force stays (4.6)', () => {
  test.each(attacks)('%s', async (_what, attack, code) => {
    // version 5 was seen by an earlier run where rollback is the matter; else 1 is in force
    const inForce = code === 'source/bundle-rollback' ? 5 : 1
    await putContent(contentOf(inForce))
    const gate = await open()
    const { revision } = gate.policy
    const before = await readFile(files.state, 'utf8')
    await put(await attack())
    await gate.reload()
    const refusals = events.filter(event => event.event === 'policy-refused')
    expect(refusals.map(({ problems }) => problems[0]?.code)).toEqual([code])
    expect(gate.policy.revision).toBe(revision)
    expect(await readFile(files.state, 'utf8')).toBe(before)
  })

  test.each(attacks)('%s: at start, nothing opens', async (_what, attack, code) => {
    if (code === 'source/bundle-rollback') {
      await putContent(contentOf(5))
      await (await open()).close()
    }
    await put(await attack())
    expect(await codesOf(open())).toEqual([code])
  })
})

describe('a bundle that is too large', () => {
  test('is refused without being read whole', async () => {
    await putContent(contentOf(1))
    const gate = await open()
    await truncate(files.bundle, maxBundleBytes + 1)
    await gate.reload()
    expect(events).toMatchObject([{ event: 'policy-refused', problems: [{ code: 'source/bundle-too-large' }] }])
  })

  test('of exactly the limit is read, and refused for what it is', async () => {
    await writeFile(files.bundle, Buffer.alloc(maxBundleBytes, 'a'))
    expect(await codesOf(open())).toEqual(['source/bundle-malformed'])
  })
})

describe('rollback (4.6)', () => {
  test('a newer bundle is taken and remembered before it is in force; the older one is refused after a restart too', async () => {
    await putContent(contentOf(1))
    const first = await open()
    expect(first.policy.bundle).toEqual({ version: 1, issuedAt: start, expiresAt: undefined, isFirst: true })
    await putContent(contentOf(2, yaml('b')))
    await first.reload()
    expect(events).toMatchObject([{ event: 'policy-loaded', version: 2 }])
    expect(JSON.parse(await readFile(files.state, 'utf8')).keys).toEqual({
      [await bundleKeyId(ed.signer)]: {
        version: 2,
        sha256: createHash('sha256')
          .update(encodeContent(contentOf(2, yaml('b'))))
          .digest('hex'),
      },
    })
    expect((await stat(files.state)).mode & 0o777).toBe(0o600)
    await first.close()
    await putContent(contentOf(1))
    expect(await codesOf(open())).toEqual(['source/bundle-rollback'])
    await putContent(contentOf(2, yaml('b')))
    expect((await open()).policy.bundle).toMatchObject({ version: 2, isFirst: false })
  })

  test('a running gate remembers even where somebody deletes or replaces the state', async () => {
    await putContent(contentOf(1))
    const gate = await open()
    const old = await readFile(files.state)
    await putContent(contentOf(2, yaml('b')))
    await gate.reload()
    await rm(files.state)
    await putContent(contentOf(1))
    await gate.reload()
    await writeFile(files.state, old)
    await gate.reload()
    expect(events.slice(1)).toMatchObject([
      { event: 'policy-refused', problems: [{ code: 'source/bundle-rollback' }] },
      { event: 'policy-refused', problems: [{ code: 'source/bundle-rollback' }] },
    ])
    expect(gate.policy.bundle?.version).toBe(2)
  })

  test.each([
    ['damaged', '{"format":1,"keys":{"x":{"version":1}}}'],
    ['empty', ''],
    ['of another format', '{"format":2,"keys":{}}'],
  ])('a state that is %s permits nothing', async (_what, text) => {
    await putContent(contentOf(1))
    await writeFile(files.state, text)
    expect(await codesOf(open())).toEqual(['source/bundle-state'])
  })

  test('a set whose version cannot be remembered does not come into force', async () => {
    await mkdir(join(folder, 'state'))
    files = { ...files, state: join(folder, 'state', 'seen.json') }
    await putContent(contentOf(1))
    const gate = await open()
    const { revision } = gate.policy
    await putContent(contentOf(2, yaml('b')))
    await rm(join(folder, 'state'), { recursive: true })
    await gate.reload()
    expect(events).toMatchObject([{ event: 'policy-refused', problems: [{ code: 'source/bundle-state' }] }])
    expect(gate.policy.revision).toBe(revision)
  })

  test('a new key begins anew, and the old one keeps its own highest version', async () => {
    await putContent(contentOf(9))
    await (await open()).close()
    await writeFile(files.key, other.publicPem)
    await putContent(contentOf(1), other)
    expect((await open()).policy.bundle).toMatchObject({ version: 1, isFirst: true })
    await writeFile(files.key, ed.publicPem)
    await putContent(contentOf(8))
    expect(await codesOf(open())).toEqual(['source/bundle-rollback'])
  })
})

describe('the end of a bundle (4.6)', () => {
  test('a running gate keeps its set and says so, again and again; a start is refused', async () => {
    await putContent(contentOf(1, yaml('a'), { expiresAt: start + day }))
    const gate = await open(true)
    const { revision } = gate.policy
    const next = async (count: number): Promise<void> => {
      await expect.poll(() => events.length, { timeout: 10_000, interval: 50 }).toBe(count)
    }
    nowMs += day * 1000
    await next(1)
    nowMs += 3_600_000
    await next(2)
    for (const event of events)
      expect(event).toMatchObject({ event: 'policy-refused', problems: [{ code: 'source/bundle-expired' }], revision })
    expect(gate.policy.revision).toBe(revision)
    expect(await codesOf(open())).toEqual(['source/bundle-expired'])
    await putContent(contentOf(2, yaml('b'), { issuedAt: start + day }))
    await next(3)
    expect(events.at(-1)).toMatchObject({ event: 'policy-loaded', version: 2 })
  })
})

test('the same files with a higher version and a later end are taken, and told', async () => {
  await putContent(contentOf(1, yaml('a'), { expiresAt: start + day }))
  const gate = await open()
  await putContent(contentOf(2, yaml('a'), { expiresAt: start + 2 * day }))
  await gate.reload()
  // and once more, where nothing is new
  await gate.reload()
  expect(events).toMatchObject([{ event: 'policy-loaded', version: 2, revision: gate.policy.revision }])
  expect(gate.policy.bundle).toMatchObject({ version: 2, expiresAt: start + 2 * day })
})

describe('a bundle of a P-256 key', () => {
  test('is taken by the gate that pins it', async () => {
    const es = pairOf('ES256')
    await writeFile(files.key, es.publicPem)
    await putContent(contentOf(1), es)
    expect((await open()).policy.bundle?.version).toBe(1)
  })
})

describe('the pinned key', () => {
  test.each([
    ['is missing', undefined],
    ['is a private key', ed.privatePem],
    ['is no key', 'hello'],
    [
      'is on another curve',
      String(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ type: 'spki', format: 'pem' })),
    ],
  ])('%s: nothing opens', async (_what, pem) => {
    await putContent(contentOf(1))
    if (pem === undefined) await rm(files.key)
    else await writeFile(files.key, pem)
    expect(await codesOf(open())).toEqual(['source/bundle-key'])
  })
})

describe('a bundle that cannot be read', () => {
  test('is missing, or a folder', async () => {
    expect(await codesOf(open())).toEqual(['source/bundle-unreadable'])
    await mkdir(files.bundle)
    expect(await codesOf(open())).toEqual(['source/bundle-unreadable'])
  })

  test('is taken away from a running gate, which keeps its set', async () => {
    await putContent(contentOf(1))
    const gate = await open()
    await rm(files.bundle)
    await gate.reload()
    expect(events).toMatchObject([{ event: 'policy-refused', problems: [{ code: 'source/bundle-unreadable' }] }])
  })
})

test('content that is not UTF-8 or not JSON is refused', () => {
  expect(problemOf(decodeContent(Buffer.from([0xff]))).code).toBe('source/bundle-bad-content')
  expect(problemOf(decodeContent(Buffer.from('['))).code).toBe('source/bundle-bad-content')
})
