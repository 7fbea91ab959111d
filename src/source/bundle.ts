/**
 * Policies from a signed bundle, for a gate that has no git repository at hand. A bundle is taken only where the pinned key signed it, it
 * has not expired, its version is above every one seen before, and the set loads; else the set in force stays, and the reason is told.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { fail, ok, PolicyError, type Problem, problem, type Result } from '../problem.ts'
import { type BundleContent, checkTimes, decodeContent, maxBundleBytes } from './bundle-content.ts'
import { type BundleKey, readBundleKey } from './bundle-key.ts'
import { bundleKeyId, verifyBundle } from './bundle-signature.ts'
import { readBundleState, type SeenBundle, type SeenBundles, writeBundleState } from './bundle-state.ts'
import { displayFolder } from './folder.ts'
import { loadPolicyTextsApart } from './load-apart.ts'
import { type FolderOptions, type LoadedPolicy, loadPolicyTexts } from './load-texts.ts'
import type { PolicySource } from './policy-source.ts'
import { watchFiles } from './watch-files.ts'

/** File names, relative to the working folder. */
export interface BundleFiles {
  /** What `portcullis policy bundle` wrote. Replace it by a rename. */
  readonly bundle: string
  /** The public key that bundles must be signed with, PEM. Read once. */
  readonly key: string
  /** Where the highest version is remembered; best where whoever brings the bundle cannot write. Made on first start. */
  readonly state: string
}

/** A bundle whose signature and form are good. */
export interface VerifiedBundle {
  readonly content: BundleContent
  /** SHA-256 of the payload, lower-case hex. */
  readonly digest: string
}

const hourMs = 3_600_000

/** Opens the source. Rejects with ConfigurationError where the key cannot be used. `now`: milliseconds since 1970. */
export async function openBundleSource(files: BundleFiles, now: () => number): Promise<PolicySource> {
  const key = await readBundleKey(files.key)
  return new BundleSource(files, key, await bundleKeyId(key), now)
}

class BundleSource implements PolicySource {
  readonly #files: BundleFiles
  readonly #key: BundleKey
  readonly #keyId: string
  readonly #now: () => number
  /** What this process has taken: counts even where somebody deletes the file. */
  #taken: SeenBundle | undefined
  #endsAtMs: number | undefined

  constructor(files: BundleFiles, key: BundleKey, keyId: string, now: () => number) {
    this.#files = files
    this.#key = key
    this.#keyId = keyId
    this.#now = now
  }

  async load(options: FolderOptions): Promise<LoadedPolicy> {
    const { bundle, state } = this.#files
    const verified = this.#must(await readBundle(bundle, this.#key))
    const { content, digest } = verified
    this.#must(checkTimes(content, this.#now()))
    const seen = await readBundleState(state)
    const before = higher(seen.get(this.#keyId), this.#taken)
    this.#must(checkVersion(verified, before))
    const shown = displayFolder(bundle)
    // at a start there is nobody to hold up
    const policy =
      this.#taken === undefined
        ? loadPolicyTexts(content.files, shown, options)
        : await loadPolicyTextsApart({ files: content.files, shown, options, readProblems: [] })
    if (seen.get(this.#keyId)?.digest !== digest) await this.#remember(seen, { version: content.version, digest })
    this.#taken = { version: content.version, digest }
    this.#endsAtMs = content.expiresAt === undefined ? undefined : content.expiresAt * 1000
    const { version, issuedAt, expiresAt } = content
    return { ...policy, bundle: { version, issuedAt, expiresAt, isFirst: before === undefined } }
  }

  /** A set whose bundle has ended stays in force, and loading is tried every hour, which says so again and again. */
  async watch(onChange: () => void): Promise<{ close(): Promise<void> }> {
    const watcher = await watchFiles([this.#files.bundle], onChange)
    let toldAtMs = Number.NEGATIVE_INFINITY
    const timer = setInterval(() => {
      const nowMs = this.#now()
      if (this.#endsAtMs === undefined || nowMs < this.#endsAtMs || nowMs - toldAtMs < hourMs) return
      toldAtMs = nowMs
      onChange()
    }, 1000).unref()
    return {
      close: async () => {
        clearInterval(timer)
        await watcher.close()
      },
    }
  }

  #remember(seen: SeenBundles, taken: SeenBundle): Promise<void> {
    return writeBundleState(this.#files.state, new Map(seen).set(this.#keyId, taken))
  }

  #must<T>(result: Result<T>): T {
    if (result.ok) return result.value
    throw new PolicyError([{ ...result.problem, where: { file: displayFolder(this.#files.bundle) } }])
  }
}

/** Reads and verifies a bundle; times and version are the caller's to judge. Total but for programming errors. */
export async function readBundle(file: string, key: BundleKey): Promise<Result<VerifiedBundle>> {
  const text = await readBounded(file)
  if (!text.ok) return text
  const payload = await verifyBundle(text.value, key)
  if (!payload.ok) return payload
  const content = decodeContent(payload.value)
  if (!content.ok) return content
  return ok({ content: content.value, digest: createHash('sha256').update(payload.value).digest('hex') })
}

/** At most one byte beyond the limit is read, however large the file is or becomes; a pipe would never end. */
async function readBounded(file: string): Promise<Result<string>> {
  try {
    if (!(await stat(file)).isFile()) return fail(unreadable('it is no ordinary file'))
    const chunks: Buffer[] = []
    for await (const chunk of createReadStream(file, { end: maxBundleBytes })) chunks.push(chunk as Buffer)
    const bytes = Buffer.concat(chunks)
    if (bytes.length <= maxBundleBytes) return ok(bytes.toString('latin1'))
    return fail(problem('source/bundle-too-large', `a bundle may have ${maxBundleBytes} bytes at most`))
  } catch (error) {
    return fail(unreadable((error as NodeJS.ErrnoException).code ?? 'no reason given'))
  }
}

function unreadable(reason: string): Problem {
  return problem('source/bundle-unreadable', `the bundle cannot be read (${reason})`, {
    help: 'make it with `portcullis policy bundle --sign`, and check the path',
  })
}

function higher(a: SeenBundle | undefined, b: SeenBundle | undefined): SeenBundle | undefined {
  return a === undefined || (b !== undefined && b.version > a.version) ? b : a
}

function checkVersion({ content, digest }: VerifiedBundle, seen: SeenBundle | undefined): Result<undefined> {
  if (seen === undefined || content.version > seen.version || digest === seen.digest) return ok(undefined)
  const what = content.version === seen.version ? 'and another bundle with it' : `and ${seen.version}`
  return fail(
    problem('source/bundle-rollback', `the bundle has version ${content.version}, ${what} was taken before`, {
      help: `sign the policies anew, with a version above ${seen.version}`,
    }),
  )
}
