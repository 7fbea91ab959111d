/** Files that appear together, or leave nothing. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { stageFiles } from '../../src/provision/staged-files.ts'
import { writeAtomically } from '../../src/provision/write-atomically.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-staged-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const at = (name: string): string => join(folder, name)
const files = () => [
  { path: at('a.key'), content: 'key', mode: 0o600 },
  { path: at('a.pem'), content: 'pem', mode: 0o644 },
]

describe('staged files', () => {
  test('appear together, each with its mode', async () => {
    await (await stageFiles(files())).publish()
    expect(readdirSync(folder).sort()).toEqual(['a.key', 'a.pem'])
    expect(statSync(at('a.key')).mode & 0o777).toBe(0o600)
  })

  test('where one name is taken, none appears, and nothing stays under a temporary name', async () => {
    const staged = await stageFiles(files())
    writeFileSync(at('a.pem'), 'other')
    await expect(staged.publish()).rejects.toMatchObject({ problems: [{ code: 'provision/file-exists' }] })
    expect(readdirSync(folder)).toEqual(['a.pem'])
    expect(readFileSync(at('a.pem'), 'utf8')).toBe('other')
  })

  test('that cannot take the place of what is there leave nothing under a temporary name', async () => {
    const staged = await stageFiles(files())
    mkdirSync(at('a.pem'))
    await expect(staged.publish({ replace: true })).rejects.toThrow()
    expect(readdirSync(folder).sort()).toEqual(['a.key', 'a.pem'])
  })

  test('of which one cannot be written leave nothing', async () => {
    const lost = { path: at('none/b.pem'), content: 'pem', mode: 0o644 }
    await expect(stageFiles([...files(), lost])).rejects.toThrow('ENOENT')
    expect(readdirSync(folder)).toEqual([])
  })
})

test('a file that cannot be replaced stays, and nothing else does', async () => {
  mkdirSync(at('a.pem'))
  await expect(writeAtomically(at('a.pem'), 'pem')).rejects.toThrow()
  expect(readdirSync(folder)).toEqual(['a.pem'])
})
