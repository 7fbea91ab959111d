/** A folder of policies as a source: what is unchanged is loaded once, and nothing else is taken for unchanged. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { folderSource } from '../../src/source/policy-source.ts'

const plant = (topic: string): string => `
portcullis: 1
identities: { device: { from: { subject.cn: "\${device}" }, clientId: "\${device}", roles: [sensor] } }
roles: { sensor: { allow: [{ publish: "${topic}" }] } }
`

function folderOf(text: string): { folder: string; write: (text: string) => void } {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-source-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const write = (other: string): void => writeFileSync(join(folder, 'plant.yaml'), other)
  write(text)
  return { folder, write }
}

test('an unchanged folder is not loaded a second time', async () => {
  const { folder, write } = folderOf(plant('a/${device}'))
  const source = folderSource(folder)
  const first = await source.load({ issuers: ['acme'] })
  write(plant('a/${device}'))
  expect(await source.load({ issuers: ['acme'] })).toBe(first)
})

test('a changed text, a new file and other issuers are', async () => {
  const { folder, write } = folderOf(plant('a/${device}'))
  const source = folderSource(folder)
  const first = await source.load({ issuers: ['acme'] })
  await expect(source.load({ issuers: ['acme', 'other'] })).rejects.toThrow('issuer-required')
  write(plant('b/${device}'))
  const second = await source.load({ issuers: ['acme'] })
  expect(second.revision).not.toBe(first.revision)
  writeFileSync(join(folder, 'more.yaml'), 'portcullis: 1\nroles: { extra: { allow: [{ publish: c }] } }')
  expect((await source.load({ issuers: ['acme'] })).rules).toBe(second.rules + 1)
})

test('a mistake is told each time, and taken back, the set before is there again', async () => {
  const { folder, write } = folderOf(plant('a/${device}'))
  const source = folderSource(folder)
  const first = await source.load({})
  write('roles: [')
  for (let time = 0; time < 2; time++) await expect(source.load({})).rejects.toThrow()
  write(plant('a/${device}'))
  expect(await source.load({})).toBe(first)
})
