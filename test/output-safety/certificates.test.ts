/** Sink: what is printed of certificates. Real ones, whose names no sane CA would sign, as every kind of string. */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseCertificate } from '../../src/authenticate/certificate.ts'
import { logTrace } from '../../src/observe/log.ts'
import { matchIdentity } from '../../src/policy/match-identity.ts'
import { problem } from '../../src/problem.ts'
import { toPem } from '../../src/provision/keys.ts'
import { parseWho } from '../../src/tool/explain/parse-who.ts'
import type { Trace } from '../../src/trace.ts'
import { inFolder } from '../cli/script.ts'
import { type Bytes, strings, tlv } from '../support/der.ts'
import { cn, deviceExtensions, extensions, type OddName, oddCertificate, ou } from '../support/pki.ts'
import { must, setOf } from '../support/policy-set.ts'
import { portcullis } from './command.ts'
import {
  begun,
  crowds,
  displayed,
  everyName,
  expectClean,
  expectShown,
  fleet,
  hostileBytes,
  isWellFormed,
  jsonLines,
  shown,
} from './fleet.ts'

const read = (path: string): string => readFileSync(new URL(`../../policies/${path}`, import.meta.url), 'utf8')
const sample = new Map([
  ['policies/plant.yaml', read('plant.yaml')],
  ['policies/fleet.csv', read('fleet.csv')],
])
const device = (value: Bytes): OddName => [[[ou, strings.utf8('s1')]], [[cn, value]]]
const parsed = (subject: OddName) => must(parseCertificate(oddCertificate({ subject })))

/** What a gate traces of such a certificate. */
function refusedBy(subject: string): (trace: Trace) => void {
  const peer = { address: '192.0.2.1', fingerprint: 'f'.repeat(64), subject }
  const action = { verb: 'publish', topic: 'a' } as const
  const p = problem('authenticate/poisoned-identity', 'the certificate cannot be read')
  return trace => trace({ event: 'connect-refused', peer, action, problem: p })
}

function logged(format: 'json' | 'plain', subject: string): string {
  const lines: string[] = []
  refusedBy(subject)(logTrace({ format, write: line => lines.push(line), policies: 'policies' }))
  return lines.join('')
}

describe('a subject', () => {
  const wellFormed = Object.entries(fleet).filter(([, name]) => isWellFormed(name))

  test.each(wellFormed)('%s: shown escaped, and its line to paste asks about the very name', (_, name) => {
    const { subjectText } = parsed(device(strings.utf8(name)))
    const whole = `OU=s1, CN=${displayed(name)}`
    expect(subjectText).toBe(whole.length > 300 ? `${whole.slice(0, 300)}…` : whole)
    expect(subjectText).toMatch(/^[ -~]*…?$/)
    expectShown(logged('plain', subjectText), [subjectText])
    const [line] = jsonLines(logged('json', subjectText))
    expect(line?.['subject']).toBe(subjectText)
    if (whole.length > 300) return expect(line).not.toHaveProperty('explain')
    const who = must(parseWho(`subject:${subjectText}`))
    expect(who.kind === 'fields' && who.table.values.get('subject.cn')?.map(({ text }) => text)).toEqual([name])
  })

  test('as every kind of string, and as bytes of none', () => {
    const values = everyName.flatMap(name => [
      ...Object.values(strings).map(write => write(name)),
      ...[0x0c, 0x13, 0x14, 0x16, 0x1a, 0x1e].map(tag => tlv(tag, Buffer.from(name, 'latin1'))),
    ])
    const bytes = hostileBytes.flatMap(content => [0x0c, 0x13, 0x14, 0x16, 0x1e].map(tag => tlv(tag, content)))
    for (const value of [...values, ...bytes]) {
      const { subjectText } = parsed(device(value))
      expect(subjectText).toMatch(/^OU=s1, CN=[ -~]*…?$/)
      expectClean(logged('json', subjectText) + logged('plain', subjectText))
    }
  })

  test('names in a SAN, as the sentence that refuses them quotes them', () => {
    const set = setOf(read('plant.yaml').replace('portcullis: 1\n', ''), { 'fleet.csv': read('fleet.csv') })
    for (const content of [...everyName.map(name => Buffer.from(name)), ...hostileBytes]) {
      const san = extensions.san([0x86, Buffer.concat([Buffer.from('urn:acme:staff:'), content])], [0x82, content])
      const subject: OddName = [[[ou, strings.utf8('staff')]], [[cn, strings.utf8('ops-1')]]]
      const certificate = must(parseCertificate(oddCertificate({ subject, extensions: [...deviceExtensions, san] })))
      const identity = matchIdentity(set, { issuer: 'acme', values: certificate.values })
      const text = content.toString('latin1')
      if (/^\w[\w.-]*$/.test(text)) continue
      expect(identity.ok ? '' : identity.problem.sentence).toContain(begun(text).slice(0, 100))
      expectClean(identity.ok ? '' : identity.problem.sentence)
    }
  })
})

test('policy explain FILE: subject, reason, and the name of the file', { timeout: 60_000 }, () =>
  inFolder(sample, async folder => {
    for (const [index, name] of crowds.entries()) {
      const file = `${index}\u001b]0;pwn\u0007\u202e.pem`
      await writeFile(join(folder, file), toPem('CERTIFICATE', oddCertificate({ subject: device(strings.utf8(name)) })))
      const subject = `OU=s1, CN=${displayed(name)}`.slice(0, 300)
      const text = await portcullis(folder, ['policy', 'explain', file, 'publish', 'a'])
      expectClean(text.stderr)
      expectShown(text.stdout, [subject, begun(name)])
      const json = await portcullis(folder, ['policy', 'explain', file, 'publish', 'a', '--json'])
      expectClean(json.stdout)
      expect(JSON.parse(json.stdout).subject.slice(0, 300)).toBe(subject)
      await writeFile(join(folder, file), 'nothing')
      const broken = await portcullis(folder, ['policy', 'explain', file, 'publish', 'a'])
      expectShown(broken.stderr, [file], one => `${shown(one)}: tool/unreadable-certificate`)
    }
  }),
)
