/**
 * What a gate remembers of the bundles it has taken, in one small file: for each key the highest version and its digest. So an older
 * bundle is refused after a restart too. The file is flushed and renamed into place, and its folder flushed, before a set comes into force.
 */
import { open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PolicyError, problem } from '../problem.ts'
import { writeAtomically } from '../provision/write-atomically.ts'

export interface SeenBundle {
  readonly version: number
  /** SHA-256 of the payload, lower-case hex. */
  readonly digest: string
}

/** By key id (`bundleKeyId`). A new key begins anew: whoever stole the old one could have used up its versions. */
export type SeenBundles = ReadonlyMap<string, SeenBundle>

/** The state; empty where there is no file yet. Rejects with PolicyError where it cannot be trusted: starting over would permit a rollback. */
export async function readBundleState(file: string): Promise<SeenBundles> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return new Map()
    throw unusable(file, `it cannot be read (${code})`)
  }
  const seen = parse(text)
  if (seen === undefined) throw unusable(file, 'it is damaged, or no such file at all')
  return seen
}

/** Writes the state, so that it lasts over a loss of power. Rejects with PolicyError. */
export async function writeBundleState(file: string, seen: SeenBundles): Promise<void> {
  const keys = Object.fromEntries([...seen].map(([id, { version, digest }]) => [id, { version, sha256: digest }]))
  try {
    await writeAtomically(file, `${JSON.stringify({ format: 1, keys }, null, 2)}\n`, 0o600)
    await syncFolder(dirname(file))
  } catch (error) {
    throw unusable(file, `it cannot be written (${(error as NodeJS.ErrnoException).code})`)
  }
}

/** A rename is durable once its folder is. Windows cannot open one. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function parse(text: string): SeenBundles | undefined {
  try {
    const value = JSON.parse(text) as { format?: unknown; keys?: unknown }
    if (value.format !== 1 || typeof value.keys !== 'object' || value.keys === null) return undefined
    const entries = Object.entries(value.keys as Record<string, { version?: unknown; sha256?: unknown }>)
    const seen = entries.map(([id, { version, sha256 }]) => [id, { version, digest: sha256 }] as const)
    return seen.every(([, one]) => isSeen(one)) ? new Map(seen as [string, SeenBundle][]) : undefined
  } catch {
    return undefined
  }
}

function isSeen({ version, digest }: { readonly version: unknown; readonly digest: unknown }): boolean {
  return Number.isSafeInteger(version) && (version as number) >= 1 && /^[0-9a-f]{64}$/.test(String(digest))
}

function unusable(file: string, sentence: string): PolicyError {
  return new PolicyError([
    problem('source/bundle-state', `the state of policy bundles cannot be used: ${sentence}`, {
      where: { file },
      help: 'put it on a disk that this process may write to; without it an older bundle could come back',
    }),
  ])
}
