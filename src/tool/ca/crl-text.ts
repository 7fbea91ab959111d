/** A CRL that was written, as a line. */
import type { PublishedCrl } from '../../provision/crl-file.ts'
import { count } from '../io.ts'
import { dayText, shownPath } from './ca-text.ts'

/** `wrote ca/acme.crl: number 7, 2 certificates, the next by 2026-12-28`. */
export function crlText({ file, written }: PublishedCrl): string {
  if (written === undefined) return `${shownPath(file)} was written by another command meanwhile`
  const { number, entries, nextUpdate } = written
  return `wrote ${shownPath(file)}: number ${number}, ${count(entries, 'certificate')}, the next by ${dayText(nextUpdate)}`
}
