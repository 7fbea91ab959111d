/** Sink: what an audit tells of hostile names in a ledger, in a log and among sessions; as text and as JSON. */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createCa, openCaLedger, readCa } from '../../src/provision/ca-folder.ts'
import { inFolder } from '../cli/script.ts'
import { portcullis } from './command.ts'
import { argumentNames, everyName, expectClean, expectShown, hostileFile, stringsIn } from './fleet.ts'

const timeout = 120_000
const anHourAgo = { now: () => new Date(Date.now() - 7_200_000), by: 'test' }
const fingerprint = (text: string): string => createHash('sha256').update(text).digest('hex')

/** As many as a person is shown of one check. */
function chunks(names: readonly string[], size: number): readonly (readonly string[])[] {
  return names.flatMap((_, index) => (index % size === 0 ? [names.slice(index, index + size)] : []))
}

/** Every name in a subject, clean text, and the very same strings in JSON. */
async function expectBoth(folder: string, words: readonly string[], names: readonly string[]): Promise<void> {
  const text = await portcullis(folder, ['audit', ...words])
  expectShown(text.stdout, names)
  expectClean(text.stderr)
  const json = await portcullis(folder, ['audit', '--json', ...words])
  expectClean(json.stdout + json.stderr)
  const found = stringsIn(JSON.parse(json.stdout))
  expect(names.filter(name => !found.some(one => one === name || one === `device:x=${name}`))).toEqual([])
}

test('names of a ledger', { timeout }, async () => {
  for (const names of chunks(argumentNames, 20)) {
    await inFolder(new Map(), async folder => {
      const days = { rootDays: 900, issuingDays: 800, crlDays: 1 }
      await createCa(join(folder, 'ca'), { name: 'acme', keyType: 'p256', passphrase: undefined, ...days }, anHourAgo)
      const { issuerKeyId } = await readCa(join(folder, 'ca'))
      const ledger = openCaLedger(await readCa(join(folder, 'ca')), anHourAgo)
      for (const [index, name] of names.entries()) {
        const reserved = ledger.reserve({
          ...{ profile: 'device', name, identity: `device:x=${name}`, clientIds: [name], holds: [], renew: false },
          ...{ issuerKeyId, serialHex: (index + 0x40).toString(16), keyHash: fingerprint(name) },
          notAfter: new Date(Date.now() + 86_400_000),
        })
        if (!reserved.ok) throw new Error(reserved.problem.sentence)
      }
      ledger.close()
      await expectBoth(folder, ['--ca', 'ca'], names)
    })
  }
})

test('identities, addresses and events of a log', { timeout }, async () => {
  // what is longer is left out, and counted
  const held = everyName.filter(name => name.length <= 256)
  await inFolder(new Map(), async folder => {
    for (const names of chunks(held, 10)) {
      const line = (fields: Record<string, unknown>): string =>
        `${JSON.stringify({ time: '2026-11-28T10:00:00.000Z', ...fields })}\n`
      const refused = names.map(name =>
        line({ event: 'refused', device: name, clientId: name, address: name }).repeat(100),
      )
      const nobody = names.map(name => line({ event: 'handshake-refused', address: name, code: name }).repeat(20))
      const other = names.map(name => line({ event: name, fingerprint: fingerprint(name), device: name }))
      writeFileSync(join(folder, 'decisions.log'), [...refused, ...nobody, ...other].join(''))
      await expectBoth(folder, ['--log', 'decisions.log'], names)
    }
  })
})

test('sessions, and the command that ends one', { timeout }, async () => {
  await inFolder(new Map(), async folder => {
    for (const names of chunks(everyName, 20)) {
      const sessions = names.flatMap(name =>
        ['192.0.2.1', name].map(address => ({
          ...{ clientId: name, identity: name, state: 'live', address, fingerprint: fingerprint(name) },
        })),
      )
      writeFileSync(join(folder, 'sessions.json'), JSON.stringify(sessions))
      await expectBoth(folder, ['--sessions', 'sessions.json'], names)
    }
  })
})

test('files with a hostile name', { timeout }, async () => {
  for (const option of ['--sessions', '--log', '--ca']) {
    const { exit, stdout, stderr } = await portcullis('/', ['audit', option, `nowhere-${hostileFile}`])
    expectClean(stdout + stderr)
    expect(exit).toBe(3)
  }
})
