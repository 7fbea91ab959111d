/** How commands name the key of a root and open it: at hand in the folder, or brought on a stick. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { ConfigurationError, problem } from '../../problem.ts'
import type { Authority } from '../../provision/authority.ts'
import type { CaFolder } from '../../provision/ca-folder.ts'
import { isKeyFileEncrypted, openWithKey } from '../../provision/open-key.ts'
import { askRootPassphrase, type RootPassphraseOptions } from './passphrase.ts'

export interface RootOptions extends RootPassphraseOptions {
  readonly rootKey?: string
}

export function addRootOptions(command: Command): Command {
  return command
    .option('--root-key <file>', 'the key of the root (default: root.key in the folder of the authority)')
    .option(
      '--root-passphrase-file <file>',
      'first line: the passphrase of the root, where it has its own (or PORTCULLIS_ROOT_PASSPHRASE)',
    )
}

/** The root of an authority, with its key. Throws where the key is elsewhere, or is not that of the root. */
export async function openRoot({ folder, rootPem }: CaFolder, options: RootOptions): Promise<Authority> {
  const file = options.rootKey ?? join(folder, 'root.key')
  const isThere = await access(file).then(
    () => true,
    () => false,
  )
  if (!isThere) {
    const help = 'bring it and name it with --root-key FILE, or write a request for it with --csr FILE'
    const sentence = 'the key of the root is not here'
    throw new ConfigurationError([problem('provision/no-root-key', sentence, { where: { file }, help })])
  }
  return openRootKey(rootPem, file, options)
}

/** As `openRoot`, where the folder of the authority is elsewhere. */
export async function openRootKey(rootPem: string, keyFile: string, options: RootOptions): Promise<Authority> {
  const passphrase = (await isKeyFileEncrypted(keyFile)) ? await askRootPassphrase(options) : undefined
  return openWithKey(rootPem, keyFile, passphrase)
}
