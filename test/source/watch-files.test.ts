import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type FileWatcher, watchFiles } from '../../src/source/watch-files.ts'

let folder: string
let watcher: FileWatcher | undefined
let changed: Promise<void>
let count = 0

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portcullis-watch-'))
  await writeFile(join(folder, 'acme.crl'), 'one')
  count = 0
  let told = (): void => {}
  changed = new Promise(resolve => {
    told = resolve
  })
  watcher = await watchFiles(
    [join(folder, 'acme.crl')],
    () => {
      count++
      told()
    },
    30,
  )
})

afterEach(async () => {
  await watcher?.close()
  await rm(folder, { recursive: true, force: true })
})

it('notices a file that is written over', async () => {
  await writeFile(join(folder, 'acme.crl'), 'two')
  await changed
})

it('notices a file that is replaced by rename, and no other file of the folder', async () => {
  await writeFile(join(folder, 'acme.crl.new'), 'two')
  expect(count).toBe(0)
  await rename(join(folder, 'acme.crl.new'), join(folder, 'acme.crl'))
  await changed
})
