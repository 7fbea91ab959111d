/** However a bundle is injured, what comes out is refused, or is what was signed: never anything else, and never a throw. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createBundleKeys } from '../../src/source/bundle-key.ts'
import { signBundle, verifyBundle } from '../../src/source/bundle-signature.ts'
import { checkAsyncProperty } from '../support/property.ts'

const payload = Buffer.from('{"format":1,"version":7,"files":[]}')
const { privatePem, publicPem } = createBundleKeys('Ed25519')
const signed = await signBundle(payload, { key: createPrivateKey(privatePem), algorithm: 'Ed25519' })
const pinned = { key: createPublicKey(publicPem), algorithm: 'Ed25519' } as const
const alphabet = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', '.', '=', '\n', ' ', '\0', 'é']

test('an injured bundle', { timeout: 120_000 }, () => {
  const at = fc.nat({ max: signed.length - 1 })
  const injury = fc.oneof(
    fc.tuple(at, fc.constantFrom(...alphabet)).map(([i, c]) => signed.slice(0, i) + c + signed.slice(i + 1)),
    fc.tuple(at, fc.constantFrom(...alphabet)).map(([i, c]) => signed.slice(0, i) + c + signed.slice(i)),
    fc.tuple(at, at).map(([i, j]) => signed.slice(0, Math.min(i, j)) + signed.slice(Math.max(i, j))),
    fc.tuple(at, at).map(([i, j]) => signed.slice(0, i) + signed.slice(j)),
  )
  return checkAsyncProperty(
    'an injured bundle is refused, or is what was signed',
    fc.asyncProperty(injury, async text => {
      const result = await verifyBundle(text, pinned)
      if (result.ok) expect(Buffer.from(result.value).equals(payload)).toBe(true)
    }),
  )
})
