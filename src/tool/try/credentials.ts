/** `--as NAME|FILE` → a certificate, its key, and the CA that the broker must show. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { access, readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { didYouMean } from '../../policy/nearest-name.ts'
import { ConfigurationError, problem } from '../../problem.ts'

export interface CredentialOptions {
  /** A name in `certs`, or a PEM file. */
  readonly as: string
  readonly key?: string
  readonly ca?: string
  readonly certs: string
}

/** PEM texts, and where the certificate is. */
export interface DeviceCredentials {
  readonly file: string
  readonly cert: string
  readonly key: string
  readonly ca: string
  /** Common name of the subject: the client id where no policy says another. */
  readonly commonName: string | undefined
}

/** Rejects with ConfigurationError where a file is missing, or certificate and key do not belong together. */
export async function readCredentials(options: CredentialOptions): Promise<DeviceCredentials> {
  const file = await certificateFile(options)
  const base = file.replace(/\.(pem|crt|cer)$/, '')
  const keyFile = options.key ?? `${base}.key`
  const caFile = options.ca ?? (await caFileOf(base, file, options))
  const cert = await readText(file, 'certificate', 'name a certificate of certs-dev, or a PEM file')
  const key = await readText(keyFile, 'key', 'pass it with --key FILE')
  const ca = await readText(caFile, "broker's CA certificate", 'pass it with --ca FILE')
  const x509 = parse(file, () => new X509Certificate(cert), 'the file holds no certificate that can be read')
  const privateKey = parse(
    keyFile,
    () => createPrivateKey(key),
    'the file holds no key that can be used (a passphrase?)',
  )
  parse(caFile, () => new X509Certificate(ca), 'the file holds no certificate that can be read')
  if (!x509.checkPrivateKey(privateKey))
    throw unusable(keyFile, `this is not the key of ${shown(file)}`, 'pass the right one with --key FILE')
  return { file: shown(file), cert, key, ca, commonName: /^CN=(.+)$/m.exec(x509.subject)?.[1] }
}

/** A plain word is a name in the folder; anything with a dot-ending or a slash that is a file is that file. */
async function certificateFile({ as, certs }: CredentialOptions): Promise<string> {
  const named = join(certs, `${as}.pem`)
  const isPlainName = /^[\w.-]+$/.test(as)
  if (isPlainName && (await isThere(named))) return named
  if ((await isThere(as)) || !isPlainName || /\.(pem|crt|cer)$/.test(as)) return as
  const entries = await readdir(certs).catch(() => undefined)
  if (entries === undefined) {
    throw unusable(
      named,
      `there is no folder ${certs}`,
      '`npm start` makes it; or name a certificate file: --as device.pem',
    )
  }
  const names = entries.filter(entry => entry.endsWith('.pem')).map(entry => entry.slice(0, -4))
  const devices = names.filter(
    name => entries.includes(`${name}.key`) && !['root', 'issuing', 'foreign-root', 'server'].includes(name),
  )
  throw unusable(named, `there is no certificate ${as} in ${certs}`, didYouMean(as, devices, 'certificates'))
}

/** What `device issue` and `enroll request` write beside the certificate, or what all of a folder trust. */
async function caFileOf(base: string, file: string, { certs }: CredentialOptions): Promise<string> {
  const own = `${base}.ca.pem`
  return (await isThere(own)) ? own : firstThere([join(dirname(file), 'ca.pem'), join(certs, 'ca.pem')])
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

async function firstThere(paths: readonly [string, ...string[]]): Promise<string> {
  for (const path of paths) if (await isThere(path)) return path
  return paths[0]
}

async function readText(path: string, what: string, help: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw unusable(path, `the ${what} cannot be read (${error.code})`, help)
  })
}

function parse<T>(path: string, read: () => T, sentence: string): T {
  try {
    return read()
  } catch {
    throw unusable(path, sentence, '`openssl x509 -in FILE -text` or `openssl pkey -in FILE` shows what is there')
  }
}

function shown(path: string): string {
  const near = relative(process.cwd(), path)
  return near.startsWith('..') ? path : near
}

function unusable(file: string, sentence: string, help: string | undefined): ConfigurationError {
  return new ConfigurationError([
    problem('tool/unreadable-certificate', sentence, { where: { file: shown(file) }, help }),
  ])
}
