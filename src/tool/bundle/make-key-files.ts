/** `policy bundle --new-key FILE`: the private key (0600) and, beside it, the public one. Nothing is overwritten. */
import { createPublicKey } from 'node:crypto'
import { stageFiles } from '../../provision/staged-files.ts'
import { type BundleAlgorithm, createBundleKeys } from '../../source/bundle-key.ts'
import { bundleKeyId } from '../../source/bundle-signature.ts'
import { answer, say } from '../io.ts'

/** `bundle.pem` → `bundle.pub.pem` */
export function publicFileOf(file: string): string {
  return `${file.replace(/\.(?:pem|key)$/, '')}.pub.pem`
}

export async function makeKeyFiles(file: string, algorithm: BundleAlgorithm): Promise<void> {
  const { privatePem, publicPem } = createBundleKeys(algorithm)
  const publicFile = publicFileOf(file)
  const staged = await stageFiles([
    { path: file, content: privatePem, mode: 0o600 },
    { path: publicFile, content: publicPem, mode: 0o644 },
  ])
  await staged.publish()
  answer(`private      ${file}`)
  answer(`public       ${publicFile}`)
  answer(`key id       ${await bundleKeyId({ key: createPublicKey(publicPem), algorithm })}`)
  say(`made a pair: sign with ${file}, give ${publicFile} to the gates`, 'good')
}
