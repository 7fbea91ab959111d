/** A policy bundle as lines and as JSON. */
import { type BundleContent, isoTime } from '../../source/bundle-content.ts'
import type { BundleKey } from '../../source/bundle-key.ts'
import { bundleKeyId } from '../../source/bundle-signature.ts'

export async function contentLines(content: BundleContent, key: BundleKey): Promise<readonly string[]> {
  const { version, revision, issuedAt, expiresAt, files } = content
  return [
    `version      ${version}`,
    `revision     ${revision}`,
    `signed       ${isoTime(issuedAt)} with ${key.algorithm}`,
    `ends         ${expiresAt === undefined ? 'never' : isoTime(expiresAt)}`,
    `key id       ${await bundleKeyId(key)}`,
    ...files.map(({ name, text }) => `file         ${name} (${Buffer.byteLength(text)} bytes)`),
  ]
}

export async function contentJson(content: BundleContent, key: BundleKey): Promise<Record<string, unknown>> {
  const { version, revision, issuedAt, expiresAt, files } = content
  return {
    version,
    revision,
    signedAt: isoTime(issuedAt),
    endsAt: expiresAt === undefined ? null : isoTime(expiresAt),
    algorithm: key.algorithm,
    keyId: await bundleKeyId(key),
    files: files.map(({ name }) => name),
  }
}
