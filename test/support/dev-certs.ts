/** The certificates of development for tests: made once in a process, and written out for each that wants a folder of its own. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureDevCerts } from '../../src/provision/dev-certs.ts'

let made: Promise<ReadonlyMap<string, Buffer>> | undefined

/** Makes `folder` one as `ensureDevCerts` makes it. Two of them have the same keys. */
export async function devCertsIn(folder: string): Promise<void> {
  made ??= make()
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const [name, content] of await made) await writeFile(join(folder, name), content, { mode: 0o600 })
}

async function make(): Promise<ReadonlyMap<string, Buffer>> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-certs-'))
  await ensureDevCerts(folder, () => new Date())
  const files = new Map<string, Buffer>()
  for (const name of await readdir(folder)) files.set(name, await readFile(join(folder, name)))
  await rm(folder, { recursive: true })
  return files
}
