/**
 * Removes what killed commands left behind: temporary files of keys, certificates, PKCS#12 and its passwords, tokens, requests and
 * CRLs, and halves of new authorities. Only what is named as this program names it, belongs to this user, is of the kind it should be and has not
 * been touched for an hour; anything else stays, whatever it is called.
 */
import { lstat, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

/** Longer than a command can be at work between making a temporary file and giving it its name. */
const abandonedMs = 60 * 60_000

export interface SweepOptions {
  readonly now: Date
  /** Of the user whose files may be removed; undefined where the system has no such ids. */
  readonly uid: number | undefined
  /**
   * Whether a device has a certificate that somebody may still want the files of: what was to become its key stays while it has no
   * other, since a batch that is run again completes it.
   */
  readonly isIssued?: (name: string) => boolean
}

const endings = ['bundle\\.pem', 'ca\\.pem', 'p12\\.password', 'p12', 'key', 'pem', 'csr', 'crl', 'token']
const temporaryFile = new RegExp(`^\\.(?<name>[A-Za-z0-9._: -]+?)\\.(?:${endings.join('|')})\\.[0-9a-f]{12}\\.tmp$`)

/** In a folder in which commands write files. Resolves with the names of what was removed. */
export function sweepFiles(folder: string, options: SweepOptions): Promise<readonly string[]> {
  return sweep(folder, async (file, present) => {
    const name = temporaryFile.exec(file)?.groups?.['name']
    if (name === undefined || !(await isAbandoned(join(folder, file), 'file', options))) return false
    const hasKey = present.has(`${name}.key`) || present.has(`${name}.bundle.pem`)
    return hasKey || options.isIssued?.(name) !== true
  })
}

/** Beside the folder of an authority: what `ca create` was making when it was killed. */
export function sweepNewCas(caFolder: string, options: SweepOptions): Promise<readonly string[]> {
  const folder = dirname(resolve(caFolder))
  const prefix = `.${basename(resolve(caFolder))}.new-`
  return sweep(folder, async name => {
    if (!name.startsWith(prefix) || !/^[A-Za-z0-9]{6}$/.test(name.slice(prefix.length))) return false
    const path = join(folder, name)
    return (await isAbandoned(path, 'folder', options)) && (await holdsOnlyOurs(path, options))
  })
}

async function sweep(
  folder: string,
  isOurs: (name: string, present: ReadonlySet<string>) => Promise<boolean>,
): Promise<readonly string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const present = new Set(names)
  const removed: string[] = []
  for (const name of names) {
    if (!(await isOurs(name, present))) continue
    await rm(join(folder, name), { recursive: true, force: true })
    removed.push(name)
  }
  return removed
}

const partOfCa = /^(?:root|issuing)\.(?:pem|key)$|^ledger\.db(?:-journal)?$|^[A-Za-z][A-Za-z0-9_-]{0,31}\.crl$/

/** Also each of its files must be old: the folder's own time does not change when a file grows. */
async function holdsOnlyOurs(folder: string, options: SweepOptions): Promise<boolean> {
  for (const name of await readdir(folder)) {
    if (!partOfCa.test(name) && !temporaryFile.test(name)) return false
    if (!(await isAbandoned(join(folder, name), 'file', options))) return false
  }
  return true
}

/** A time in the future says nothing: left alone. Links are never followed. */
async function isAbandoned(path: string, kind: 'file' | 'folder', { now, uid }: SweepOptions): Promise<boolean> {
  const facts = await lstat(path).catch(() => undefined)
  if (facts === undefined || (kind === 'file' ? !facts.isFile() : !facts.isDirectory())) return false
  return (uid === undefined || facts.uid === uid) && now.getTime() - facts.mtimeMs > abandonedMs
}
