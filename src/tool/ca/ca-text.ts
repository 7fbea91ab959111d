/** An authority as lines and as JSON. */
import { relative } from 'node:path'
import type { Certificate } from '../../authenticate/certificate.ts'
import type { CaFolder } from '../../provision/ca-folder.ts'

/** `2036-11-27`. */
export function dayText(time: number | Date): string {
  return new Date(time).toISOString().slice(0, 10)
}

/** A path as a person would write it here. */
export function shownPath(path: string): string {
  const near = relative(process.cwd(), path)
  return near === '' ? '.' : near.startsWith('..') ? path : near
}

/** `P-256`, `RSA 2048`. */
export function keyText({ publicKey: { algorithm, curve, bits } }: Certificate): string {
  return curve ?? (bits === undefined ? algorithm : `${algorithm.toUpperCase()} ${bits}`)
}

/** `what` is padded by the caller. */
export function certificateLine(what: string, one: Certificate): string {
  return `${what}  ${one.subjectText}  ${keyText(one)}  until ${dayText(one.notAfter)}  sha256 ${one.fingerprint}`
}

/** What to paste into the configuration: all issuing CAs that are not retired, the one that signs first. */
export function issuersBlock({ name, folder, issuingCas }: CaFolder): readonly string[] {
  const latestFirst = issuingCas.toReversed()
  return [
    'issuers:',
    `  ${name}:`,
    `    certificates: [${latestFirst.map(({ certificateFile }) => shownPath(certificateFile)).join(', ')}]`,
    `    root: ${shownPath(folder)}/root.pem`,
    `    crl: [${latestFirst.map(({ crlFile }) => shownPath(crlFile)).join(', ')}]`,
  ]
}

export function certificateJson(one: Certificate): Record<string, unknown> {
  return {
    subject: one.subjectText,
    serial: one.serial,
    key: keyText(one),
    notBefore: new Date(one.notBefore).toISOString(),
    notAfter: new Date(one.notAfter).toISOString(),
    sha256: one.fingerprint,
  }
}
