/**
 * The issuing CAs of an authority as files, by generation: `issuing.pem`, `issuing.key` and `NAME.crl` for the first,
 * `issuing-2.pem` and so on for those that `rotate` made. One is there when its certificate is, which is written last;
 * the latest signs.
 */
import { X509Certificate } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Certificate, parseCertificate } from '../authenticate/certificate.ts'
import { ConfigurationError, problem } from '../problem.ts'
import { keyHashOf } from './keys.ts'

/** Absolute. */
export interface IssuingFiles {
  readonly certificateFile: string
  readonly keyFile: string
  readonly crlFile: string
}

export interface IssuingCa extends IssuingFiles {
  /** From 1 on. */
  readonly generation: number
  /** Of the authority. */
  readonly name: string
  readonly certificate: Certificate
  readonly pem: string
  /** SHA-256 of its public key, hex: what the ledger knows it by. */
  readonly issuerKeyId: string
}

/** Where what was retired goes. */
export const retiredFolder = 'retired'

export function issuingFiles(folder: string, name: string, generation: number): IssuingFiles {
  const suffix = generation === 1 ? '' : `-${generation}`
  return {
    certificateFile: join(folder, `issuing${suffix}.pem`),
    keyFile: join(folder, `issuing${suffix}.key`),
    crlFile: join(folder, `${name}${suffix}.crl`),
  }
}

/** The generations whose certificate, or key, is in a folder; ascending, empty where there is no folder. */
export async function generationsIn(folder: string, ending: 'pem' | 'key' = 'pem'): Promise<readonly number[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.flatMap(one => generationOf(one, ending) ?? []).sort((a, b) => a - b)
}

function generationOf(fileName: string, ending: string): number | undefined {
  if (fileName === `issuing.${ending}`) return 1
  const [, digits, end] = /^issuing-([1-9]\d{0,3})\.(pem|key)$/.exec(fileName) ?? []
  return end === ending && Number(digits) > 1 ? Number(digits) : undefined
}

/** Reads one. Throws ConfigurationError where it is no issuing CA of this root, or names no authority. */
export async function readIssuingCa(folder: string, generation: number, root: X509Certificate): Promise<IssuingCa> {
  const { certificateFile } = issuingFiles(folder, '', generation)
  const { certificate, x509 } = await readCertificateFile(certificateFile)
  const name = caNameOf(certificate)
  if (name === undefined || !x509.verify(root.publicKey)) {
    throw notAnAuthority(certificateFile, 'the certificate is no issuing CA of this root')
  }
  const issuerKeyId = keyHashOf(x509.publicKey)
  const files = issuingFiles(folder, name, generation)
  return { generation, name, certificate, pem: x509.toString(), issuerKeyId, ...files }
}

/** The organisation of its subject; undefined where it cannot be the name of an authority. */
export function caNameOf({ values }: Certificate): string | undefined {
  const [one, ...more] = values.get('subject.o') ?? []
  return one !== undefined && more.length === 0 && isCaName(one.text) ? one.text : undefined
}

/** It becomes a file name and a key of the configuration. */
export function isCaName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_-]{0,31}$/.test(name)
}

export interface ReadCertificate {
  readonly certificate: Certificate
  readonly x509: X509Certificate
}

/** Throws ConfigurationError where the file holds none. */
export async function readCertificateFile(file: string): Promise<ReadCertificate> {
  const pem = await readCaText(file)
  const x509 = attempt(() => new X509Certificate(pem))
  const parsed = x509 && parseCertificate(x509.raw)
  if (x509 === undefined || !parsed?.ok) throw notAnAuthority(file, 'the file holds no certificate')
  return { certificate: parsed.value, x509 }
}

/** Throws ConfigurationError where the file cannot be read. */
export async function readCaText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw notAnAuthority(file, `the file cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined // what is wrong with it is told by whoever asked
  }
}

export function notAnAuthority(file: string, sentence: string): ConfigurationError {
  const help = 'name the folder of `portcullis ca create` with --ca DIR'
  return new ConfigurationError([problem('provision/not-a-ca', sentence, { where: { file }, help })])
}
