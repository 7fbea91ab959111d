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

export function caLines({ root, issuing }: CaFolder): readonly string[] {
  const line = (what: string, one: Certificate): string =>
    `${what}  ${one.subjectText}  ${keyText(one)}  until ${dayText(one.notAfter)}  sha256 ${one.fingerprint}`
  return [line('root   ', root), line('issuing', issuing)]
}

/** What to paste into the configuration. */
export function issuersBlock({ name, folder, crlFile }: CaFolder): readonly string[] {
  const path = (file: string): string => `${shownPath(folder)}/${file}`
  return [
    'issuers:',
    `  ${name}:`,
    `    certificates: [${path('issuing.pem')}]`,
    `    root: ${path('root.pem')}`,
    `    crl: [${shownPath(crlFile)}]`,
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
