/** Completes the files of a certificate that a killed command had issued: its key may be there under a temporary name. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { link, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CaFolder } from '../../provision/ca-folder.ts'
import type { Leftover } from '../../provision/issue-batch.ts'
import { keyHashOf, toPem } from '../../provision/keys.ts'
import type { LedgerRecord } from '../../provision/ledger-record.ts'
import { writeAtomically } from '../../provision/write-atomically.ts'
import { deviceFiles } from './device-files.ts'

/** `.NAME.ending.<12 hex>.tmp`, as `staged-files.ts` calls what has no name yet. */
const temporaryName = /^\.(?<name>.+)\.(?:key|pem|ca\.pem)\.[0-9a-f]{12}\.tmp$/

/** Temporary files in a folder, by the name of their device. */
export async function temporaryFiles(folder: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>()
  for (const file of await readdir(folder)) {
    // of NAME.ca.pem both NAME and NAME.ca are possible
    const name = temporaryName.exec(file)?.groups?.['name']?.replace(/\.ca$/, '')
    if (name !== undefined) found.set(name, [...(found.get(name) ?? []), file])
  }
  return found
}

export async function recoverFiles(
  folder: string,
  temporary: ReadonlyMap<string, readonly string[]>,
  record: LedgerRecord,
  ca: CaFolder,
): Promise<Leftover> {
  const files = deviceFiles(folder, record.name, true)
  const key = files.key as string
  const left = temporary.get(record.name) ?? []
  const chain = toPem('CERTIFICATE', record.der ?? Buffer.alloc(0)) + ca.issuingPem
  const wanted = [
    [files.certificate, chain],
    [files.trusts, ca.rootPem],
  ] as const
  const isOwn = await holdsKey(key, record)
  if (!isOwn) {
    const keys = left.filter(file => file.startsWith(`.${record.name}.key.`)).map(file => join(folder, file))
    const staged = await firstOf(keys, file => holdsKey(file, record))
    if (staged === undefined || (await textOf(key)) !== undefined) return 'elsewhere'
    await link(staged, key)
  }
  let isWhole = isOwn
  for (const [file, content] of wanted) {
    const text = await textOf(file)
    if (text === content) continue
    // another certificate for the same key is somebody's
    if (text !== undefined) return 'elsewhere'
    isWhole = false
    await writeAtomically(file, content)
  }
  for (const file of left) await rm(join(folder, file), { force: true })
  return isWhole ? 'whole' : 'completed'
}

async function holdsKey(file: string, { keyHash }: LedgerRecord): Promise<boolean> {
  const pem = await textOf(file)
  if (pem === undefined) return false
  try {
    return keyHashOf(createPublicKey(createPrivateKey(pem))) === keyHash
  } catch {
    return false // no key, or one that was not written to its end
  }
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function firstOf<T>(list: readonly T[], holds: (one: T) => Promise<boolean>): Promise<T | undefined> {
  for (const one of list) if (await holds(one)) return one
  return undefined
}
