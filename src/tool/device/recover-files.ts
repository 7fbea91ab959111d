/** Completes the files of a certificate that a killed command had issued: its key may be there under a temporary name. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CaFolder } from '../../provision/ca-folder.ts'
import type { Leftover } from '../../provision/issue-batch.ts'
import { keyHashOf, keyPem, toPem } from '../../provision/keys.ts'
import type { LedgerRecord } from '../../provision/ledger-record.ts'
import { type DeviceOutput, deviceFiles, pathsOf, stageDevice } from './device-files.ts'

/** `.NAME.ending.<12 hex>.tmp`, as `staged-files.ts` calls what has no name yet. */
const temporaryName = /^\.(?<name>.+?)\.(?:key|pem|ca\.pem|bundle\.pem|p12|p12\.password)\.[0-9a-f]{12}\.tmp$/

/** Temporary files in a folder, by the name of their device. */
export async function temporaryFiles(folder: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>()
  for (const file of await readdir(folder)) {
    const name = temporaryName.exec(file)?.groups?.['name']
    if (name !== undefined) found.set(name, [...(found.get(name) ?? []), join(folder, file)])
  }
  return found
}

export interface Recovery {
  readonly folder: string
  readonly output: DeviceOutput
  /** Of `temporaryFiles`. */
  readonly temporary: ReadonlyMap<string, readonly string[]>
}

/** Everything but the key can be made again: the ledger has the certificate. */
export async function recoverFiles(
  { folder, output, temporary }: Recovery,
  record: LedgerRecord,
  ca: Pick<CaFolder, 'issuingCas' | 'rootPem'>,
): Promise<Leftover> {
  const { name, der, issuerKeyId } = record
  // a rotation may have come since it was issued
  const issuingPem = ca.issuingCas.find(issuing => issuing.issuerKeyId === issuerKeyId)?.pem
  if (der === undefined || issuingPem === undefined) return 'elsewhere'
  const files = deviceFiles(folder, name, true, output)
  const present = await textsOf(pathsOf(files))
  const own = present.get(files.key ?? files.bundle ?? '')
  const left = temporary.get(name) ?? []
  const key = own === undefined ? await firstKey(left, record) : keyOf(own, record)
  if (key === undefined) return 'elsewhere'
  const pem = toPem('CERTIFICATE', der)
  const certificate = present.get(files.certificate ?? '')
  // a file of that name that says something else is somebody's
  if (certificate !== undefined && certificate !== pem + issuingPem) return 'elsewhere'
  const isWhole = pathsOf(files).every(path => present.has(path))
  if (!isWhole) {
    const staged = await stageDevice(files, { name, signed: { pem, der }, keyPem: key }, output, {
      issuingPem,
      rootPem: ca.rootPem,
    })
    await staged.publish({ replace: true })
  }
  for (const file of left) await rm(file, { force: true })
  return isWhole ? 'whole' : 'completed'
}

async function firstKey(paths: readonly string[], record: LedgerRecord): Promise<string | undefined> {
  for (const text of (await textsOf(paths)).values()) {
    const key = keyOf(text, record)
    if (key !== undefined) return key
  }
  return undefined
}

/** The key of the certificate, where the text begins with it; one that was not written to its end is none. */
function keyOf(text: string, { keyHash }: LedgerRecord): string | undefined {
  try {
    const key = createPrivateKey(text)
    return keyHashOf(createPublicKey(key)) === keyHash ? keyPem(key) : undefined
  } catch {
    return undefined
  }
}

/** Of those that are there. */
async function textsOf(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const texts = await Promise.all(paths.map(textOf))
  return new Map(paths.flatMap((path, index) => (texts[index] === undefined ? [] : [[path, texts[index]]])))
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'latin1')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
