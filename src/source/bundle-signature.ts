/**
 * The signature of a policy bundle: one JWS in compact form (RFC 7515 §3.1). The gate's key decides which algorithm counts, and the
 * header says nothing but algorithm, type and key id (RFC 8725 §3.1, §3.11): what it says besides is refused rather than ignored.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'
import { fail, ok, type ProblemCode, problem, type Result } from '../problem.ts'
import type { BundleKey } from './bundle-key.ts'

const type = 'portcullis-bundle+jws'
/** When it is needed: loading it takes 50 ms, a fifth of what a gate with a folder takes to load. */
const loadJose = (): Promise<typeof import('jose')> => import('jose')

/** RFC 7638 thumbprint (SHA-256, base64url): how a person and a bundle name a key. */
export async function bundleKeyId({ key }: BundleKey): Promise<string> {
  const { calculateJwkThumbprint } = await loadJose()
  return calculateJwkThumbprint(publicHalf(key).export({ format: 'jwk' }) as JWK, 'sha256')
}

/** The public key of either. */
export function publicHalf(key: KeyObject): KeyObject {
  return key.type === 'private' ? createPublicKey(key) : key
}

/** Signs; the text ends with a line break. */
export async function signBundle(payload: Uint8Array, signer: BundleKey): Promise<string> {
  const { CompactSign } = await loadJose()
  const header = { alg: signer.algorithm, typ: type, kid: await bundleKeyId(signer) }
  return `${await new CompactSign(payload).setProtectedHeader(header).sign(signer.key)}\n`
}

/** The payload, once the pinned key has signed it. Total: whatever the text is, it returns a value or a problem. */
export async function verifyBundle(text: string, pinned: BundleKey): Promise<Result<Uint8Array>> {
  const jws = text.endsWith('\n') ? text.slice(0, -1) : text
  const { compactVerify, decodeProtectedHeader } = await loadJose()
  const header = headerOf(jws, decodeProtectedHeader)
  if (header === undefined) return refused('source/bundle-malformed', 'the file is no policy bundle')
  const id = await bundleKeyId(pinned)
  if (header.kid !== id) {
    return refused(
      'source/bundle-unknown-key',
      `the bundle is signed with the key ${header.kid}, and the pinned one is ${id}`,
    )
  }
  if (header.alg !== pinned.algorithm) {
    return refused(
      'source/bundle-bad-signature',
      `the bundle names the algorithm ${header.alg}, and the key is for ${pinned.algorithm}`,
    )
  }
  try {
    const { payload } = await compactVerify(jws, pinned.key, { algorithms: [pinned.algorithm] })
    return ok(payload)
  } catch {
    return refused(
      'source/bundle-bad-signature',
      'the bundle was changed after it was signed, or signed with another key',
    )
  }
}

/** Exactly the three members that `signBundle` writes, each a text of bounded length. */
function headerOf(
  jws: string,
  decode: (jws: string) => object,
): { readonly alg: string; readonly kid: string } | undefined {
  if (!/^[A-Za-z0-9_-]{1,1024}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{1,1024}$/.test(jws)) return undefined
  try {
    const { alg, kid, typ, ...rest } = decode(jws) as Record<string, unknown>
    const isText = typeof alg === 'string' && typeof kid === 'string'
    return isText && typ === type && Object.keys(rest).length === 0 ? { alg, kid } : undefined
  } catch {
    return undefined
  }
}

function refused(code: ProblemCode, sentence: string): Result<never> {
  return fail(problem(code, sentence))
}
