/** Makes a policy bundle of a folder. What is signed is what was read, loaded and tested: the folder is read once. */
import { PolicyError, problem } from '../problem.ts'
import { type BundleContent, encodeContent, maxBundleBytes } from './bundle-content.ts'
import type { BundleKey } from './bundle-key.ts'
import { signBundle } from './bundle-signature.ts'
import { displayFolder, readPolicyFolder } from './folder.ts'
import { type FolderOptions, type LoadedPolicy, loadPolicyTexts } from './load-texts.ts'

export interface NewBundle {
  readonly folder: string
  readonly signer: BundleKey
  readonly version: number
  /** Whole seconds since 1970. */
  readonly issuedAt: number
  readonly expiresAt: number | undefined
  readonly options: FolderOptions
}

export interface MadeBundle {
  /** The file. */
  readonly text: string
  readonly content: BundleContent
  readonly policy: LoadedPolicy
}

/** Rejects with PolicyError where the set does not load (mistakes, failing tests, refuted claims) or is too large for a bundle. */
export async function makeBundle(wanted: NewBundle): Promise<MadeBundle> {
  const { version, issuedAt, expiresAt } = wanted
  const { files, problems } = await readPolicyFolder(wanted.folder)
  const policy = loadPolicyTexts(files, displayFolder(wanted.folder), wanted.options, problems)
  const content = { version, revision: policy.revision, issuedAt, expiresAt, files }
  const text = await signBundle(encodeContent(content), wanted.signer)
  if (text.length > maxBundleBytes) {
    throw new PolicyError([
      problem(
        'source/bundle-too-large',
        `the bundle would have ${text.length} bytes, and ${maxBundleBytes} are the most`,
      ),
    ])
  }
  return { text, content, policy }
}
