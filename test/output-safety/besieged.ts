/** A broker as it is shipped, in a folder where names are hostile, and a fleet that does what it can over real TLS. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { openAuthority } from '../../src/provision/authority.ts'
import { ensureDevCerts } from '../../src/provision/dev-certs.ts'
import { createKeys, toPem } from '../../src/provision/keys.ts'
import { strings } from '../support/der.ts'
import { cn, deviceExtensions, extensions, oddCertificate, ou } from '../support/pki.ts'
import { type Credentials, RawClient } from '../support/raw-client.ts'
import { ascii, displayed, hostileBytes, hostileFile, topicLevels } from './fleet.ts'

export const main = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))

/** What pump-7 may publish to. */
export const own = 'plant/s1/pump-7/telemetry'

/** Everything that can have a hostile name has one; NAME.yaml is the configuration, NAME its policy folder, NAME.key its key. */
export async function openFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-output-'))
  await cp(new URL('../../policies', import.meta.url), join(folder, hostileFile), { recursive: true })
  await ensureDevCerts(join(folder, 'certs-dev'), () => new Date())
  await cp(join(folder, 'certs-dev/server.key'), join(folder, `${hostileFile}.key`))
  // worth a note
  await chmod(join(folder, `${hostileFile}.key`), 0o644)
  await writeFile(
    join(folder, `${hostileFile}.yaml`),
    `tls: { certFile: certs-dev/server.pem, keyFile: ${ascii(`${hostileFile}.key`)} }
issuers: { acme: { certificates: [certs-dev/issuing.pem], root: certs-dev/root.pem, crl: [certs-dev/acme.crl] } }
limits: { deniedPerMinute: 100000 }
log: { refusalsPerMinute: 100000, permits: all }
`,
  )
  return folder
}

export const closeFolder = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true })

export const serveWords: readonly string[] = [
  ...['serve', '--policies', hostileFile, '--config', `${hostileFile}.yaml`],
  ...['--host', '127.0.0.1', '--port', '0'],
]

/** Text of a process, as it comes. */
export class Told {
  text = ''
  readonly #waiting = new Set<() => void>()

  constructor(stream: NodeJS.ReadableStream) {
    stream.setEncoding('utf8').on('data', (more: string) => {
      this.text += more
      for (const look of this.#waiting) look()
    })
  }

  /** Resolves once the text has this; a test that waits in vain ends by its timeout. */
  has(what: string): Promise<void> {
    return new Promise(resolve => {
      const look = (): void => {
        if (!this.text.includes(what)) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
  }
}

async function stop(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

/** The port that the first start-up line names. */
export const portIn = (text: string): number => Number(/mqtts:\/\/[^:]+:(\d+) /.exec(text)?.[1])

/** Runs `serve` with these words too, while `use` lasts; gives all that it said. */
export async function serving(
  folder: string,
  words: readonly string[],
  use: (port: number, err: Told) => Promise<void>,
): Promise<{ readonly out: string; readonly err: string }> {
  const env = { ...process.env, NO_COLOR: '1' }
  const stdio = ['ignore', 'pipe', 'pipe'] as const
  const child = spawn(process.execPath, [main, ...serveWords, ...words], { cwd: folder, env, stdio: [...stdio] })
  const [out, err] = [new Told(child.stdout), new Told(child.stderr)]
  try {
    await out.has('\nexplain  ')
    await use(portIn(out.text), err)
  } finally {
    await stop(child)
  }
  return { out: out.text, err: err.text }
}

const text = (folder: string, name: string): Promise<string> => readFile(join(folder, 'certs-dev', name), 'utf8')

async function credentials(folder: string, name: string): Promise<Credentials> {
  const [key, cert, ca] = [`${name}.key`, `${name}.pem`, 'ca.pem'].map(file => text(folder, file))
  return {
    key: await (key as Promise<string>),
    cert: await (cert as Promise<string>),
    ca: await (ca as Promise<string>),
  }
}

/** A certificate that the configured issuer signed although its names are what they are. */
async function hostileCertificate(folder: string, name: string | Buffer): Promise<Credentials> {
  const issuing = openAuthority(await text(folder, 'issuing.pem'), await text(folder, 'issuing.key'))
  const keys = createKeys()
  const bytes = Buffer.from(name)
  const subject = [[[ou, strings.utf8('s1')]], [[cn, strings.utf8(bytes.toString())]]] as const
  const san = extensions.san([0x86, bytes], [0x82, bytes], [0x81, bytes])
  const leaf = oddCertificate({ subject, keys, by: issuing, extensions: [...deviceExtensions, san] })
  const key = String(keys.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  return { key, cert: toPem('CERTIFICATE', leaf) + issuing.pem, ca: await text(folder, 'ca.pem') }
}

/** Everything hostile that can be said to this port; resolves when the broker has answered or closed each time. */
export async function besiege(folder: string, port: number): Promise<void> {
  const pump = await credentials(folder, 'pump-7')
  const present = async (name: string | Buffer): Promise<void> => {
    const odd = await RawClient.open(port, await hostileCertificate(folder, name))
    await odd.login('pump-7')
    await odd.close()
  }
  for (const name of topicLevels) {
    const foreign = await RawClient.connect(port, pump, name)
    await foreign.client.close()
    const will = { topic: `plant/${name}`, payload: Buffer.from(name), qos: 0, retain: false }
    await (await RawClient.connect(port, pump, 'pump-7', { will, username: name, password: name })).client.close()
    const { client } = await RawClient.connect(port, pump, 'pump-7')
    expect(await client.subscribe(`sub/${name}`, `sub/${name}/#`)).toEqual([128, 128])
    expect(await client.publish(`${own}/${name}`, name)).toBe('acknowledged')
    expect(await client.publish(`pub/${name}`, name)).toBe('closed')
    await present(name)
  }
  for (const bytes of hostileBytes) {
    const { client } = await RawClient.connect(port, pump, 'pump-7')
    client.write(Buffer.concat([Buffer.from([0x30, bytes.length + 3, 0, bytes.length]), bytes, Buffer.from('x')]))
    await client.closed
    await present(bytes)
  }
}

/** Fails unless the log has all of the siege, every name as it was. */
export function expectBesieged(lines: readonly Record<string, unknown>[]): void {
  const has = (fits: Record<string, unknown>): boolean =>
    lines.some(line => Object.entries(fits).every(([key, value]) => line[key] === value))
  const missing = topicLevels.flatMap(name =>
    [
      { event: 'connect-refused', clientId: name, action: 'connect', topic: name },
      { event: 'connect-refused', action: 'will', topic: `plant/${name}` },
      { event: 'refused', action: 'subscribe', topic: `sub/${name}` },
      { event: 'refused', action: 'subscribe', topic: `sub/${name}/#` },
      { event: 'refused', action: 'publish', topic: `pub/${name}` },
      { event: 'permitted', action: 'publish', topic: `${own}/${name}` },
    ].filter(fits => !has(fits)),
  )
  expect(missing).toEqual([])
  const subjects = lines.map(line => String(line['subject']).slice(0, 300))
  const expected = topicLevels.map(name => `OU=s1, CN=${displayed(name)}`.slice(0, 300))
  expect(expected.filter(subject => !subjects.includes(subject))).toEqual([])
  expect(lines.filter(line => line['code'] === 'accept/malformed-packet')).toHaveLength(hostileBytes.length)
}
