/** Sink: what is told of a ledger that has hostile names: text, CSV, JSON, and names of files. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { beforeAll, expect, test } from 'vitest'
import { createCa, openCaLedger, readCa } from '../../src/provision/ca-folder.ts'
import { toPem } from '../../src/provision/keys.ts'
import { certificateFileName } from '../../src/tool/device/certificate-export.ts'
import { inFolder } from '../cli/script.ts'
import { makeDevice, makeIssuing, makeRoot } from '../support/authorities.ts'
import { portcullis } from './command.ts'
import { argumentNames, expectClean, expectShown, jsonLines, shown } from './fleet.ts'

const timeout = 120_000
const options = { now: () => new Date(), by: 'test' }
let der: Buffer = Buffer.alloc(0)
beforeAll(() => {
  der = makeDevice(makeIssuing(makeRoot())).der
})

/** In a folder with an authority whose ledger has one certificate of each name. */
function withLedger(names: readonly string[], use: (folder: string) => Promise<void>): Promise<void> {
  return inFolder(new Map(), async folder => {
    const days = { rootDays: 900, issuingDays: 800, crlDays: 1 }
    const ca = { name: 'acme', keyType: 'p256', passphrase: undefined, ...days } as const
    await createCa(join(folder, 'ca'), ca, options)
    const folderOfCa = await readCa(join(folder, 'ca'))
    const ledger = openCaLedger(folderOfCa, options)
    for (const [index, name] of names.entries()) {
      const reserved = ledger.reserve({
        profile: 'device',
        name,
        identity: `device:x=${name}`,
        clientIds: [name],
        holds: [],
        notAfter: new Date(Date.now() + 86_400_000),
        issuerKeyId: folderOfCa.issuerKeyId,
        serialHex: (index + 0x40).toString(16).padStart(32, '4'),
        keyHash: 'f'.repeat(64),
        renew: false,
      })
      if (!reserved.ok) throw new Error(reserved.problem.sentence)
      ledger.issue(reserved.value, der)
    }
    ledger.close()
    await use(folder)
  })
}

test('device list, export as CSV and as JSON', { timeout }, () =>
  withLedger(argumentNames, async folder => {
    const list = await portcullis(folder, ['device', 'list'])
    expectShown(list.stdout, argumentNames)

    const csv = await portcullis(folder, ['device', 'export'])
    expect(csv.exit).toBe(0)
    expectClean(csv.stdout + csv.stderr)
    const rows = parse(csv.stdout, { columns: true }) as readonly Record<string, string>[]
    const plain = (text: string | undefined): string => (text ?? '').replaceAll("'", '')
    expect(rows.map(row => plain(row['name']))).toEqual(argumentNames.map(name => plain(shown(name))))
    const cells = rows.flatMap(row => Object.values(row))
    expect(cells.filter(cell => /^[\s"]*[=+\-@]/.test(cell))).toEqual([])
    expect(cells.filter(cell => cell.startsWith("'=cmd"))).toHaveLength(2)

    const json = await portcullis(folder, ['device', 'export', '--json'])
    expect(jsonLines(json.stdout).map(({ name, clientIds }) => [name, clientIds])).toEqual(
      argumentNames.map(name => [name, [name]]),
    )
  }),
)

const elsewhere = [
  '../../escaped',
  '/etc/escaped',
  '..',
  '.',
  '.hidden',
  '-rf',
  'CON',
  'a\\b',
  'site:7',
  'x'.repeat(900),
]

test('names of files stay in their folder, and say nothing to a shell or a terminal', { timeout }, () =>
  withLedger([...elsewhere, ...argumentNames], async folder => {
    const words = ['device', 'export', '--certificates', 'out/certs']
    const { stderr, exit } = await portcullis(folder, words)
    expect(exit).toBe(0)
    const count = elsewhere.length + argumentNames.length
    expect(stderr).toBe(`wrote ${count} files\n${count} certificates\n`)
    expect(readdirSync(folder).sort()).toEqual(['ca', 'out'])
    const files = readdirSync(join(folder, 'out/certs'))
    expect(files).toHaveLength(count)
    expect(files.filter(file => !/^[A-Za-z0-9_][A-Za-z0-9._-]{0,130}\.pem$/.test(file))).toEqual([])
    for (const file of files) {
      expect(lstatSync(join(folder, 'out/certs', file)).mode & 0o777).toBe(0o644)
      expect(readFileSync(join(folder, 'out/certs', file), 'utf8')).toBe(toPem('CERTIFICATE', der))
    }
    // a second time nothing is overwritten, and nothing else is left
    const again = await portcullis(folder, words)
    expect([again.exit, again.stdout]).toEqual([1, ''])
    expect(again.stderr).toContain('provision/file-exists: the file is there already')
    expect(readdirSync(join(folder, 'out/certs'))).toHaveLength(count)
  }),
)

test('where one file is there, even as a link to nowhere, none is written', { timeout }, () =>
  withLedger(['pump-1', 'pump-2', 'pump-3'], async folder => {
    const serial = (0x41).toString(16).padStart(32, '4')
    const link = join(folder, 'out', certificateFileName({ name: 'pump-2', serialHex: serial }))
    await mkdir(join(folder, 'out'))
    await symlink(join(folder, 'target'), link)
    const { exit, stdout, stderr } = await portcullis(folder, ['device', 'export', '--certificates', 'out'])
    expect([exit, stdout]).toEqual([1, ''])
    expect(stderr).toContain(`out/pump-2-${serial}.pem: provision/file-exists`)
    expect(readdirSync(join(folder, 'out'))).toEqual([`pump-2-${serial}.pem`])
    expect(readdirSync(folder).sort()).toEqual(['ca', 'out'])
    await writeFile(join(folder, 'plain'), '')
    const noFolder = await portcullis(folder, ['device', 'export', '--certificates', 'plain'])
    expect(noFolder.exit).toBe(1)
    expect(noFolder.stderr).toMatch(/tool\/unwritable-file|provision\/file-exists/)
  }),
)
