/** What is left to do after a rotation, from the ledger: who still depends on the older issuing CAs, until when, and which step comes when. */
import type { CaFolder } from '../../provision/ca-folder.ts'
import type { Ledger } from '../../provision/ledger.ts'
import { type Overlap, overlapsOf } from '../../provision/overlap.ts'
import { answer, answerJson, count } from '../io.ts'
import { dayText, issuersBlock, shownPath } from './ca-text.ts'

const dayMs = 86_400_000

export function answerPlan(ca: CaFolder, ledger: Ledger, now: Date, asJson: boolean): void {
  const overlaps = overlapsOf(ca, ledger.all(), now)
  if (asJson) answerJson(planJson(ca, overlaps))
  else for (const line of planLines(ca, overlaps)) answer(line)
}

function planLines(ca: CaFolder, overlaps: readonly Overlap[]): readonly string[] {
  const signing = ca.issuingCas.at(-1)
  const standing = [
    ...overlaps.map(one => `${one.ca.certificate.subjectText}  ${neededText(one)}`),
    `${signing?.certificate.subjectText}  signs, until ${dayText(ca.issuing.notAfter)}`,
  ]
  if (overlaps.length === 0) return standing
  return [...standing, '', ...stepLines(overlaps), '', ...issuersBlock(ca)]
}

function stepLines(overlaps: readonly Overlap[]): readonly string[] {
  const ends = overlaps.flatMap(({ neededUntil }) => (neededUntil === undefined ? [] : [neededUntil.getTime()]))
  const files = overlaps.map(({ ca }) => shownPath(ca.certificateFile)).join(', ')
  const last = Math.max(...ends)
  const isNeeded = ends.length > 0
  return [
    '1  now: put the block below into the configuration of every gate and restart it; before that it refuses new certificates',
    ...(isNeeded
      ? [`2  until ${dayText(last)}: renew ${livingText(overlaps)}: portcullis device list --older-ca --servers`]
      : []),
    `${isNeeded ? `3  from ${dayText(last + dayMs)}, or once none is left` : '2  then'}: take ${files} and its CRL out of the configuration, restart, and portcullis ca rotate --retire`,
  ]
}

function neededText(overlap: Overlap): string {
  const { neededUntil } = overlap
  return neededUntil === undefined
    ? 'nothing depends on it'
    : `${livingText([overlap])} until ${neededUntil.toISOString().slice(0, 16)}Z`
}

function livingText(overlaps: readonly Overlap[]): string {
  const devices = overlaps.reduce((sum, one) => sum + one.devices.length, 0)
  const servers = overlaps.reduce((sum, one) => sum + one.servers.length, 0)
  return `${count(devices, 'certificate')} of devices and ${servers} of brokers`
}

function planJson(ca: CaFolder, overlaps: readonly Overlap[]): unknown {
  return {
    signing: ca.issuing.subjectText,
    older: overlaps.map(({ ca: { generation, certificate }, devices, servers, neededUntil }) => ({
      generation,
      subject: certificate.subjectText,
      devices: devices.map(({ name, serialHex, notAfter }) => ({
        name,
        serial: serialHex,
        notAfter: notAfter.toISOString(),
      })),
      servers: servers.map(({ name, serialHex, notAfter }) => ({
        name,
        serial: serialHex,
        notAfter: notAfter.toISOString(),
      })),
      neededUntil: neededUntil?.toISOString() ?? null,
    })),
    issuers: issuersBlock(ca),
  }
}
