import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const main = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))

describe('serve', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portcullis-serve-'))
    await cp(new URL('../../policies', import.meta.url), join(folder, 'policies'), { recursive: true })
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const run = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { cwd: folder, encoding: 'utf8' })

  /** Starts a broker, waits for its six lines, and ends it with the signal. */
  async function serve(signal: NodeJS.Signals, ...args: string[]): Promise<readonly string[]> {
    const child = spawn(process.execPath, [main, 'serve', '--port', '0', ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const lines: string[] = []
    for await (const line of createInterface({ input: child.stdout })) if (lines.push(line) === 6) break
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
    return lines
  }

  test('prints six lines, with commands for the port that it has', async () => {
    const lines = await serve('SIGTERM')
    expect(lines[0]).toMatch(/^guarding mqtts:\/\/localhost:\d+ {2}\(MQTT 3\.1\.1\)$/)
    expect(lines[1]).toMatch(
      /^policy {3}policies\/, 3 files, \d+ rules, \d+ tests passed, revision [0-9a-f]{8}: edit and save, it reloads$/,
    )
    expect(lines[2]).toContain('pump-9 (s2)')
    expect(lines[5]).toMatch(/^trespass npx portcullis try --port \d+ --as pump-7 publish/)
  })

  test('starts again after kill -9 with the same certificates', async () => {
    await serve('SIGKILL')
    const before = await readFile(join(folder, 'certs-dev', 'pump-7.pem'), 'utf8')
    expect(await serve('SIGTERM')).toHaveLength(6)
    expect(await readFile(join(folder, 'certs-dev', 'pump-7.pem'), 'utf8')).toBe(before)
  })

  test('serves with certificates of its own from one configuration file', async () => {
    const certs = 'certs-dev'
    await writeFile(
      join(folder, 'own.yaml'),
      `tls: { certFile: ${certs}/server.pem, keyFile: ${certs}/server.key }\nissuers: { acme: { certificates: [${certs}/issuing.pem], root: ${certs}/root.pem, crl: [${certs}/acme.crl] } }\n`,
    )
    const lines = await serve('SIGTERM', '--config', 'own.yaml')
    expect(lines[2]).toContain('issuers acme')
  })

  test('an occupied port is one sentence and the next thing to type', async () => {
    const other = createServer().listen(0)
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { status, stderr } = run('serve', '--port', String(port))
    other.close()
    expect(status).toBe(3)
    expect(stderr).toContain(`config/port-in-use: port ${port} is in use by another process\n  help: stop it, or try`)
  })

  test('an occupied port of the operate listener names its own option, and nothing is left running', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { status, stderr } = run('serve', '--port', '0', '--operate-port', String(port))
    other.close()
    expect(status).toBe(3)
    expect(stderr).toContain(`try \`portcullis serve --operate-port ${port + 1}\``)
  })

  test('what cannot start leaves no operate listener behind: it ends', () => {
    expect(run('serve', '--operate-port', '0', '--policies', 'nowhere').status).toBe(3)
  })

  test.each([
    ['an operate port that is none', ['--operate-port', 'x'], 'config/bad-value'],
    ['an address that is not here', ['--host', '192.0.2.1'], 'config/cannot-listen'],
    ['a port that is none', ['--port', '99999'], 'config/bad-value'],
    ['a missing policy folder', ['--policies', 'nowhere'], 'policy/no-folder'],
    ['a missing configuration', ['--config', 'nowhere.yaml'], 'config/missing-file'],
    ['an unreadable key', ['--tls-key', 'nowhere.key'], 'config/unreadable-file'],
    ['a key of another certificate', ['--tls-key', 'certs-dev/pump-7.key'], 'config/key-mismatch'],
    ['a log that cannot be written', ['--log', 'nowhere/log'], 'config/unreadable-file'],
  ])('%s: exit code 3, a sentence, no stack', (_what, args, code) => {
    const { status, stderr, stdout } = run('serve', ...args)
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' })
    expect(stderr).toContain(`${code}: `)
    expect(stderr).not.toMatch(/\n\s+at /)
  })
})
