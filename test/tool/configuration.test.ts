import { X509Certificate } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { resolveLimits } from '../../src/accept/limits.ts'
import { ConfigurationError, formatProblem } from '../../src/problem.ts'
import { loadConfiguration, readTlsFiles } from '../../src/tool/configuration.ts'
import { codesOf, dayMs, makeDevice, makeIssuing, makeRoot, start } from '../support/authorities.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-config-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text, { mode: 0o600 })
const issuers = 'issuers: { acme: { certificates: [issuing.pem], root: root.pem } }\n'

/** The problems of a configuration of this text, each as a person sees it. */
async function mistakes(text: string): Promise<readonly string[]> {
  await write('portcullis.config.yaml', text)
  const error: unknown = await loadConfiguration(undefined, folder).catch((reason: unknown) => reason)
  if (!(error instanceof ConfigurationError)) throw new Error('not refused')
  return error.problems.map(formatProblem)
}

describe('loadConfiguration', () => {
  it('reads every key', async () => {
    await write(
      'portcullis.config.yaml',
      `
listen: { host: 127.0.0.1, port: 0, wsPort: 8884, wsOrigins: [https://panel.example] }
tls: { keyFile: server.key, certFile: /etc/server.pem }
issuers:
  acme:
    certificates: [issuing-2024.pem, issuing-2026.pem]
    root: root.pem
    crl: [acme.crl]
    only: { site: [s1, s2] }
limits: { handshakeSeconds: 5 }
log: { file: decisions.log, permits: all, refusalsPerMinute: 5 }
crl: { onStaleCrl: keep, crlGraceHours: 0 }
broker: { path: plain }
sessions: { keepForDays: 30 }
persistence: { kind: disk, folder: state/store }
operate: { host: 10.0.0.5, port: 9464, graceSeconds: 5, drainSeconds: 30 }
policies: { bundle: policies.bundle, key: bundle.pub.pem, state: /var/seen.json }
admin: { socket: run/portcullis.sock }
`,
    )
    expect(await loadConfiguration(undefined, folder)).toEqual({
      file: join(folder, 'portcullis.config.yaml'),
      baseFolder: folder,
      listen: { host: '127.0.0.1', port: 0, wsPort: 8884, wsOrigins: ['https://panel.example'] },
      tls: { keyFile: join(folder, 'server.key'), certFile: '/etc/server.pem' },
      issuers: {
        acme: {
          certificates: ['issuing-2024.pem', 'issuing-2026.pem'],
          root: 'root.pem',
          crl: ['acme.crl'],
          only: { site: ['s1', 's2'] },
        },
      },
      bundle: {
        bundle: join(folder, 'policies.bundle'),
        key: join(folder, 'bundle.pub.pem'),
        state: '/var/seen.json',
      },
      limits: { ...resolveLimits(), handshakeSeconds: 5 },
      log: { file: join(folder, 'decisions.log'), permits: 'all', refusalsPerMinute: 5 },
      adminSocket: join(folder, 'run/portcullis.sock'),
      crl: { onStaleCrl: 'keep', crlGraceHours: 0 },
      broker: { path: 'plain' },
      sessions: { keepForDays: 30 },
      persistence: { kind: 'disk', folder: join(folder, 'state/store') },
      operate: { host: '10.0.0.5', port: 9464, graceSeconds: 5, drainSeconds: 30 },
      notes: [],
    })
  })

  it('fills in defaults', async () => {
    await write('other.yaml', issuers)
    expect(await loadConfiguration('other.yaml', folder)).toMatchObject({
      listen: { host: undefined, port: 8883, wsPort: undefined, wsOrigins: [] },
      tls: undefined,
      log: { file: undefined, permits: 'distinct', refusalsPerMinute: 60 },
      adminSocket: undefined,
      crl: { onStaleCrl: 'refuseNew', crlGraceHours: 24 },
      broker: { path: 'fast' },
      sessions: { keepForDays: 7 },
      operate: { host: '127.0.0.1', port: undefined, graceSeconds: 0, drainSeconds: 10 },
    })
  })

  it('gives defaults without issuers where there is no file, and refuses a missing one that was named', async () => {
    const { file, issuers: none, listen } = await loadConfiguration(undefined, folder)
    expect({ file, none, listen }).toEqual({
      file: undefined,
      none: undefined,
      listen: { host: undefined, port: 8883, wsPort: undefined, wsOrigins: [] },
    })
    await expect(loadConfiguration('x.yaml', folder)).rejects.toThrow(
      'config/missing-file: there is no configuration file x.yaml\n  help: check the path after --config',
    )
    expect(await codesOf(loadConfiguration('.', folder))).toEqual(['config/unreadable-file'])
  })

  it('notes a key that others may read', async () => {
    await write('portcullis.config.yaml', `${issuers}tls: { keyFile: server.key, certFile: server.pem }`)
    await write('server.key', 'x')
    await chmod(join(folder, 'server.key'), 0o644)
    const { notes } = await loadConfiguration(undefined, folder)
    if (process.platform !== 'win32') expect(notes.join()).toContain('config/key-permissions')
  })

  it('tells every mistake, in the order of the file, with its place and help', async () => {
    expect(
      await mistakes(`
lissen: { port: 1883 }
listen: { port: 65536, hots: x, wsOrigins: [panel.example/x] }
issuers:
  acme:
    certificates: issuing.pem
    rot: root.pem
  1x: { certificates: [a.pem], root: b.pem }
limits: { connections: 1e3, packetLength: 5 }
log: { level: warn, permits: distinkt, refusalsPerMinute: 0 }
crl: { onStaleCrl: keap }
persistence: { kind: tape }
tls: { keyFile: server.key }
`),
    ).toEqual([
      'portcullis.config.yaml:2:1: config/unknown-key: unknown key `lissen`\n  help: did you mean `listen`?',
      'portcullis.config.yaml:3:17: config/bad-value: `listen.port` must be a whole number from 0 to 65535',
      'portcullis.config.yaml:3:24: config/unknown-key: unknown key `hots` under `listen`\n  help: did you mean `host`?',
      'portcullis.config.yaml:3:44: config/bad-value: `listen.wsOrigins` must be a list of web origins\n  help: such as https://panel.example',
      expect.stringMatching(/^portcullis.config.yaml:6:5: config\/missing-key: `issuers.acme.root` is missing/),
      expect.stringMatching(
        /^portcullis.config.yaml:6:19: config\/bad-value: `issuers.acme.certificates` must be a list of texts/,
      ),
      'portcullis.config.yaml:7:5: config/unknown-key: unknown key `rot` under `issuers.acme`\n  help: did you mean `root`?',
      expect.stringMatching(/^portcullis.config.yaml:8:3: config\/bad-value: `1x` cannot be the name of an issuer/),
      'portcullis.config.yaml:9:24: config/bad-value: `limits.connections` must be a whole number from 1 to 10000000',
      expect.stringMatching(
        /^portcullis.config.yaml:9:29: config\/unknown-key: unknown key `packetLength` under `limits`/,
      ),
      'portcullis.config.yaml:10:8: config/unknown-key: unknown key `level` under `log`\n  help: keys: `file`, `permits`, `refusalsPerMinute`',
      'portcullis.config.yaml:10:30: config/bad-value: `log.permits` must be `none` or `distinct` or `all`\n  help: did you mean `distinct`?',
      'portcullis.config.yaml:10:59: config/bad-value: `log.refusalsPerMinute` must be a whole number from 1 to 1000000',
      'portcullis.config.yaml:11:20: config/bad-value: `crl.onStaleCrl` must be `keep` or `refuseNew`\n  help: did you mean `keep`?',
      'portcullis.config.yaml:12:22: config/bad-value: `persistence.kind` must be `disk` or `memory` or `redis`\n  help: values: `disk`, `memory`, `redis`',
      expect.stringMatching(/^portcullis.config.yaml:13:6: config\/missing-key: `tls.certFile` is missing/),
    ])
  })

  it.each([
    ['an empty file', '', /config\/missing-key: `issuers` is missing/],
    ['a list', '- a', /config\/bad-value: the configuration must be a map/],
    ['no issuer', 'issuers: {}', /config\/missing-key: `issuers` names no issuer/],
    ['a tab', 'issuers:\n\tacme: x', /config\/yaml/],
    ['a key twice', `${issuers}log: { file: a }\nlog: { file: b }`, /config\/yaml: the key `log` stands twice/],
    ['an alias', `${issuers}log: *x`, /config\/yaml/],
    ['a section that is a text', `${issuers}log: file`, /`log` must be a map/],
    [
      'an empty list of CRLs',
      'issuers: { acme: { certificates: [a.pem], root: b.pem, crl: [] } }',
      /`issuers.acme.crl` must be a list/,
    ],
    [
      'an empty `only`',
      'issuers: { acme: { certificates: [a.pem], root: b.pem, only: { site: [] } } }',
      /`issuers.acme.only.site` must be a list/,
    ],
  ])('refuses %s', async (_, text, sentence) => {
    expect((await mistakes(text)).join('\n')).toMatch(sentence)
  })
})

describe('readTlsFiles', () => {
  const ca = makeIssuing(makeRoot())
  const server = makeDevice(ca, 'localhost', 'server')
  const files = (): { keyFile: string; certFile: string } => ({
    keyFile: join(folder, 'server.key'),
    certFile: join(folder, 'server.pem'),
  })
  const read = async (key: string, cert: string, now: number = start): ReturnType<typeof readTlsFiles> => {
    await write('server.key', key)
    await write('server.pem', cert)
    return readTlsFiles(files(), () => now)
  }

  it('gives key and chain, and no note where only the owner may read the key', async () => {
    const chain = server.pem + ca.pem
    // the first end of the chain counts, whose it is
    const notAfter = Math.min(...[server.pem, ca.pem].map(pem => Date.parse(new X509Certificate(pem).validTo)))
    expect(await read(server.keyPem, chain)).toEqual({ key: server.keyPem, cert: chain, notAfter, notes: [] })
  })

  it('notes a key that others may read', async () => {
    await write('server.key', server.keyPem)
    await write('server.pem', server.pem)
    await chmod(files().keyFile, 0o640)
    const { notes } = await readTlsFiles(files(), () => start)
    expect(notes.map(p => p.code)).toEqual(process.platform === 'win32' ? [] : ['config/key-permissions'])
  })

  it('refuses what does not fit, without showing the key', async () => {
    const other = makeDevice(ca, 'other', 'server')
    expect(await codesOf(read(other.keyPem, server.pem))).toEqual(['config/key-mismatch'])
    expect(await codesOf(read('hello', server.pem))).toEqual(['config/bad-key'])
    expect(await codesOf(read('-----BEGIN ENCRYPTED PRIVATE KEY-----', 'hello'))).toEqual([
      'config/bad-key',
      'config/bad-certificate',
    ])
    expect(await codesOf(read(ca.keyPem, ca.pem + server.pem))).toEqual(['config/bad-certificate'])
    expect(await codesOf(read(server.keyPem, server.pem, start + 91 * dayMs))).toEqual([
      'config/expired-server-certificate',
    ])
    const early = await read(server.keyPem, server.pem, start - dayMs)
    expect(early.notes.map(note => note.code)).toContain('config/expired-server-certificate')
    const error: unknown = await read(other.keyPem, server.pem).catch((reason: unknown) => reason)
    expect(String(error)).not.toContain(other.keyPem.split('\n')[1])
  })

  it('tells both files that are missing', async () => {
    expect(await codesOf(readTlsFiles(files()))).toEqual(['config/unreadable-file', 'config/unreadable-file'])
  })
})

describe('what a configuration may not say', () => {
  it('is told with a code', async () => {
    expect(await mistakes(`${issuers}persistence: { kind: memory, folder: x }\n`)).toEqual([
      expect.stringContaining('config/bad-value: `persistence.folder` must be left out'),
    ])
    expect((await mistakes(`${issuers}listen: { port: &p 8883 }\n`)).join('\n')).toContain('config/yaml')
  })
})
