/** What a policy bundle says: the files of one set, which version it is, and from when until when it may be taken. JSON, read strictly. */
import type { PolicyFile } from '../policy/policy-files.ts'
import { fail, ok, problem, type Result } from '../problem.ts'
import { isEditorLeftover } from './folder.ts'
import { revisionOf } from './load-texts.ts'

export interface BundleContent {
  /** Rises with every bundle of a key: a gate takes none that is lower than, or as high as and other than, one it has seen. */
  readonly version: number
  /** `revisionOf(files)`. */
  readonly revision: string
  /** Whole seconds since 1970. */
  readonly issuedAt: number
  /** Whole seconds since 1970: from then on no gate takes it any more. Undefined: for ever. */
  readonly expiresAt: number | undefined
  /** In the order of their names. */
  readonly files: readonly PolicyFile[]
}

/** A bundle is at most so many bytes, as a file. */
export const maxBundleBytes: number = 16 * 1024 * 1024
/** A clock may be this much behind that of the signer, in seconds. */
const clockSkewSeconds = 300
const maxFiles = 1000
const maxNameBytes = 255
const format = 1

/** The payload to sign. `iat` and `exp` are those of RFC 7519 §4.1. */
export function encodeContent({ version, revision, issuedAt, expiresAt, files }: BundleContent): Uint8Array {
  const expiry = expiresAt === undefined ? {} : { exp: expiresAt }
  return Buffer.from(JSON.stringify({ format, version, revision, iat: issuedAt, ...expiry, files }))
}

/** Reads a payload whose signature was verified. A signer makes mistakes too: what is not exactly of the form is refused. */
export function decodeContent(payload: Uint8Array): Result<BundleContent> {
  const value = parseJson(payload)
  if (!isRecord(value, ['format', 'version', 'revision', 'iat', 'files'], ['exp'])) return bad('is of another form')
  if (value['format'] !== format) return bad('is of a format that this version does not know')
  const { version, revision, iat: issuedAt, exp: expiresAt } = value
  if (!isVersion(version)) return bad('has no version from 1 to 9007199254740991')
  if (!isTime(issuedAt) || (expiresAt !== undefined && (!isTime(expiresAt) || expiresAt <= issuedAt))) {
    return bad('has times that are none')
  }
  const files = filesOf(value['files'])
  if (files === undefined) return bad('has files that cannot be those of a folder')
  if (revision !== revisionOf(files)) return bad('has other files than its revision says')
  return ok({ version, revision, issuedAt, expiresAt, files })
}

/** Whether a number may be the version of a bundle. */
export function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1
}

/** Why the bundle may not be taken at this time: expired, or from the future. */
export function checkTimes({ issuedAt, expiresAt }: BundleContent, nowMs: number): Result<undefined> {
  const now = Math.floor(nowMs / 1000)
  if (issuedAt > now + clockSkewSeconds) {
    const sentence = `the bundle was signed at ${isoTime(issuedAt)}, and it is ${isoTime(now)} here`
    const help = 'compare the clocks of this machine and of the one that signed it'
    return fail(problem('source/bundle-from-future', sentence, { help }))
  }
  if (expiresAt === undefined || now < expiresAt) return ok(undefined)
  const help = 'sign the policies anew, with a higher version'
  return fail(problem('source/bundle-expired', `the bundle ended at ${isoTime(expiresAt)}`, { help }))
}

/** `2026-11-28T07:00:00Z` */
export function isoTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
}

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload))
  } catch {
    return undefined
  }
}

/** A plain object with these members and no other. */
function isRecord(
  value: unknown,
  members: readonly string[],
  optional: readonly string[] = [],
): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const keys = Object.keys(value)
  return members.every(member => keys.includes(member)) && keys.every(key => [...members, ...optional].includes(key))
}

/** Up to the year 9999. */
function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 253_402_300_800
}

/** Undefined where a name would not be one of a folder's, or the names do not rise. */
function filesOf(value: unknown): readonly PolicyFile[] | undefined {
  if (!Array.isArray(value) || value.length > maxFiles) return undefined
  const files: PolicyFile[] = []
  for (const file of value) {
    if (!isRecord(file, ['name', 'text'])) return undefined
    const { name, text } = file
    if (!isWellFormed(name) || !isWellFormed(text) || !isFileName(name)) return undefined
    if (name <= (files.at(-1)?.name ?? '')) return undefined
    files.push({ name, text })
  }
  return files
}

function isFileName(name: string): boolean {
  return !/[\u0000-\u001f\u007f/\\]/.test(name) && !isEditorLeftover(name) && Buffer.byteLength(name) <= maxNameBytes
}

/** Text that UTF-8 can hold: a file could have no other. */
function isWellFormed(value: unknown): value is string {
  return typeof value === 'string' && Buffer.from(value).toString() === value
}

function bad(what: string): Result<never> {
  const help = 'sign the policies with `portcullis policy bundle` of the same release'
  return fail(problem('source/bundle-bad-content', `the bundle is signed, but ${what}`, { help }))
}
