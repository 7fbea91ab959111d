/** The server's own key and certificate: read, and checked before they are used. No message ever shows key material. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { shellQuote } from '../policy/shell-quote.ts'
import { ConfigurationError, type Problem, type ProblemCode, problem } from '../problem.ts'

export interface TlsFiles {
  readonly keyFile: string
  /** The server's certificate first, then those between it and its root. */
  readonly certFile: string
}

export interface ReadTlsFiles {
  /** PEM. */
  readonly key: string
  readonly cert: string
  /** Milliseconds since 1970 at which the first certificate of the chain ends. */
  readonly notAfter: number
  /** Worth telling, but no reason not to start: a key that others may read, a certificate that begins later. */
  readonly notes: readonly Problem[]
}

const groupAndOthers = 0o077

/**
 * Reads key and certificate. Throws ConfigurationError with every problem: unreadable, unusable, not a pair, ended.
 * @example const { key, cert } = await readTlsFiles({ keyFile: 'server.key', certFile: 'server.pem' })
 */
export async function readTlsFiles(tls: TlsFiles, now: () => number = Date.now): Promise<ReadTlsFiles> {
  const problems: Problem[] = []
  const take = <T>(outcome: T | Problem): T | undefined => {
    if (!isProblem(outcome)) return outcome
    problems.push(outcome)
    return undefined
  }
  const [keyText, certText] = await Promise.all([readText(tls.keyFile, 'key'), readText(tls.certFile, 'certificate')])
  const [key, cert] = [take(keyText), take(certText)]
  const privateKey = key === undefined ? undefined : take(parseKey(key, tls.keyFile))
  const certificate = cert === undefined ? undefined : take(parseServerCertificate(cert, tls.certFile, now()))
  if (privateKey !== undefined && certificate !== undefined && !certificate.checkPrivateKey(privateKey)) {
    const help = 'name the key that the certificate was issued for'
    problems.push(
      problem('config/key-mismatch', `the key is not the one of the certificate in ${tls.certFile}`, {
        where: { file: tls.keyFile },
        help,
      }),
    )
  }
  if (problems.length > 0 || key === undefined || cert === undefined) throw new ConfigurationError(problems)
  const notes = [...notYetValidNotes(certificate, tls.certFile, now()), ...(await keyPermissionNotes(tls.keyFile))]
  return { key, cert, notAfter: earliestEnd(cert), notes }
}

function earliestEnd(pem: string): number {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return Math.min(...blocks.flatMap(endOf))
}

/** What OpenSSL cannot read of a chain is told where TLS is to use it. */
function endOf(pem: string): readonly number[] {
  try {
    return [Date.parse(new X509Certificate(pem).validTo)]
  } catch {
    return []
  }
}

function isProblem(outcome: unknown): outcome is Problem {
  return typeof outcome === 'object' && outcome !== null && 'code' in outcome && 'sentence' in outcome
}

function told(code: ProblemCode, sentence: string, file: string, help: string): Problem {
  return problem(code, sentence, { where: { file }, help })
}

async function readText(file: string, what: string): Promise<string | Problem> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'no reason given'
    return told(
      'config/unreadable-file',
      `the server's ${what} cannot be read (${reason})`,
      file,
      'check the path and the permissions',
    )
  }
}

function parseKey(pem: string, file: string): KeyObject | Problem {
  if (pem.includes('ENCRYPTED')) {
    return told(
      'config/bad-key',
      'the private key is locked with a passphrase',
      file,
      'unlock it: openssl pkey -in OLD -out NEW',
    )
  }
  try {
    return createPrivateKey(pem)
  } catch {
    return told(
      'config/bad-key',
      'the file holds no private key in PEM',
      file,
      'a key file begins with -----BEGIN PRIVATE KEY-----',
    )
  }
}

function parseServerCertificate(pem: string, file: string, nowMs: number): X509Certificate | Problem {
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(pem)
  } catch {
    return told(
      'config/bad-certificate',
      'the file holds no certificate in PEM',
      file,
      'a certificate file begins with -----BEGIN CERTIFICATE-----',
    )
  }
  if (certificate.ca) {
    return told(
      'config/bad-certificate',
      'the first certificate of the file is a CA',
      file,
      "put the server's own certificate first",
    )
  }
  const { validTo } = certificate
  if (nowMs <= Date.parse(validTo)) return certificate
  return told('config/expired-server-certificate', `the server's certificate ended ${validTo}`, file, 'renew it')
}

/** Clients judge it by their clocks: one that was set back here must not keep the broker down (docs/semantics.md 4.5). */
function notYetValidNotes(certificate: X509Certificate | undefined, file: string, nowMs: number): readonly Problem[] {
  if (certificate === undefined || nowMs >= Date.parse(certificate.validFrom)) return []
  const sentence = `the server's certificate begins only ${certificate.validFrom}`
  return [told('config/expired-server-certificate', sentence, file, 'correct the clock of this machine')]
}

/** A note where others than the owner may read or change this key; none where it is missing, which `readTlsFiles` tells. */
export async function keyPermissionNotes(file: string): Promise<readonly Problem[]> {
  if (process.platform === 'win32') return []
  const mode = await stat(file).then(
    facts => facts.mode,
    () => 0,
  )
  if ((mode & groupAndOthers) === 0) return []
  return [
    told(
      'config/key-permissions',
      'others than the owner may read or change the private key',
      file,
      `chmod 600 ${shellQuote(file)}`,
    ),
  ]
}
