/** Key and certificate of a device. Where a renewal was killed between the two, it is finished first. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readdir, readFile, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ConfigurationError, problem } from '../../problem.ts'
import { say } from '../io.ts'

export interface DevicePair {
  readonly key: string
  /** The certificate, and the CA that issued it. */
  readonly cert: string
}

/** Throws ConfigurationError where the two cannot be read, or are not of each other. */
export async function readPair(certificateFile: string, keyFile: string): Promise<DevicePair> {
  const key = await read(keyFile)
  const cert = await read(certificateFile)
  const privateKey = attempt(() => createPrivateKey(key))
  if (privateKey === undefined) throw unusable(keyFile, 'the file holds no private key')
  if (isPair(cert, privateKey)) return { key, cert }
  // the key is given its name first, so what is missing is the certificate, written and flushed under another name
  const finished = await finishRenewal(certificateFile, privateKey)
  if (finished === undefined) throw unusable(keyFile, `the key is not the one of the certificate in ${certificateFile}`)
  say('finished a renewal that was cut off before')
  return { key, cert: finished }
}

async function finishRenewal(certificateFile: string, key: KeyObject): Promise<string | undefined> {
  const folder = dirname(certificateFile)
  const beginning = `.${basename(certificateFile)}.`
  for (const name of await readdir(folder)) {
    if (!name.startsWith(beginning) || !/^[0-9a-f]{12}\.tmp$/.test(name.slice(beginning.length))) continue
    const text = await readFile(join(folder, name), 'utf8')
    if (!isPair(text, key)) continue
    await rename(join(folder, name), certificateFile)
    return text
  }
  return undefined
}

function isPair(certificate: string, key: KeyObject): boolean {
  return attempt(() => new X509Certificate(certificate))?.checkPrivateKey(key) === true
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}

function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigurationError([
      problem('config/unreadable-file', `the file cannot be read (${error.code})`, { where: { file } }),
    ])
  })
}

function unusable(file: string, sentence: string): ConfigurationError {
  return new ConfigurationError([problem('config/key-mismatch', sentence, { where: { file } })])
}
