/** Options that say in which files key and certificate come: what `issue` and `renew` share. */
import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { ConfigurationError, problem } from '../../problem.ts'
import type { KeyType } from '../../provision/keys.ts'
import { type Pkcs12Form, pkcs12Forms, requirePassword, requireRsa } from '../../provision/pkcs12.ts'
import type { DeviceOutput } from './device-files.ts'

const variable = 'PORTCULLIS_PKCS12_PASSPHRASE'

export interface OutputOptions {
  readonly key: KeyType
  readonly format: 'files' | 'bundle'
  readonly pkcs12?: Pkcs12Form
  readonly pkcs12PassphraseFile?: string
}

/** None of them goes with a key that stays on the device. */
export function addOutputOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--format <format>', 'three files, or all in NAME.bundle.pem (0600)')
        .choices(['files', 'bundle'])
        .default('files')
        .conflicts('csr'),
    )
    .addOption(
      new Option('--pkcs12 [form]', 'write NAME.p12 too; legacy for devices that read nothing newer')
        .choices(pkcs12Forms)
        .preset('modern')
        .conflicts('csr'),
    )
    .addOption(
      new Option(
        '--pkcs12-passphrase-file <file>',
        `first line: the password of NAME.p12 (or ${variable}, or made and written to NAME.p12.password)`,
      )
        .implies({ pkcs12: 'modern' })
        .conflicts('csr'),
    )
}

/** Reads the password, and throws where the files could not be made, before anything is. */
export async function readOutput(options: OutputOptions): Promise<DeviceOutput> {
  const { key, format, pkcs12 } = options
  if (pkcs12 === undefined) return { bundle: format === 'bundle', pkcs12 }
  if (pkcs12 === 'legacy') requireRsa(key)
  const password = await givenPassword(options)
  if (password !== undefined) requirePassword(password)
  return { bundle: format === 'bundle', pkcs12: { form: pkcs12, password } }
}

async function givenPassword({ pkcs12PassphraseFile: file }: OutputOptions): Promise<string | undefined> {
  if (file === undefined) return process.env[variable]
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    const sentence = `the passphrase file cannot be read (${error.code})`
    throw new ConfigurationError([problem('tool/bad-passphrase', sentence, { where: { file } })])
  })
  return text.split(/\r?\n/, 1)[0] ?? ''
}
