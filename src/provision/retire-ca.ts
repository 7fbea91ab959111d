/**
 * Retires the issuing CAs that a rotation left behind, once nothing living depends on them: their certificates, keys and last
 * CRLs move to `retired/`. The certificate goes first, and with it the CA; what a kill leaves is moved by the next run.
 */
import { mkdir, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fail, ok, type Problem, problem, type Result } from '../problem.ts'
import type { CaFolder } from './ca-folder.ts'
import { generationsIn, type IssuingCa, issuingFiles, retiredFolder } from './issuing-cas.ts'
import { type Ledger, leaseMs } from './ledger.ts'
import { type Overlap, overlapsOf } from './overlap.ts'

/** Retires every older issuing CA that nothing living depends on. Refused where that is none; nothing is changed then. */
export async function retireCas(ca: CaFolder, ledger: Ledger, now: Date): Promise<Result<readonly IssuingCa[]>> {
  takeBackAbandoned(ca, ledger, now)
  const overlaps = overlapsOf(ca, ledger.all(), now)
  await finishRetiring(ca)
  const unused = overlaps.filter(({ neededUntil }) => neededUntil === undefined).map(one => one.ca)
  if (unused.length === 0) return fail(refusal(overlaps[0]))
  for (const { generation } of unused) await moveAway(ca, generation)
  return ok(unused)
}

/** A process that comes back to one of them finds its reservation gone, and hands out nothing. */
function takeBackAbandoned({ issuingCas, issuerKeyId }: CaFolder, ledger: Ledger, now: Date): void {
  const older = new Set(issuingCas.map(one => one.issuerKeyId).filter(id => id !== issuerKeyId))
  const abandoned = ledger
    .all()
    .filter(
      one => one.state === 'reserved' && older.has(one.issuerKeyId) && now.getTime() - one.since.getTime() >= leaseMs,
    )
  if (abandoned.length > 0) ledger.revoke(abandoned, 'cessationOfOperation')
}

function refusal(overlap: Overlap | undefined): Problem {
  if (overlap === undefined) {
    const help = '`portcullis ca rotate` makes a new one'
    return problem('provision/still-needed', 'there is no older issuing CA that could be retired', { help })
  }
  const { ca, devices, servers, neededUntil } = overlap
  const number = devices.length + servers.length
  const those = `${number} living ${number === 1 ? 'certificate depends' : 'certificates depend'}`
  const sentence = `${those} on ${ca.certificate.subjectText}, the last until ${neededUntil?.toISOString()}`
  const help =
    'see `portcullis device list --older-ca --servers`: renew a device with --supersede, revoke what is used no more by --serial'
  return problem('provision/still-needed', sentence, { help })
}

/** Keys and CRLs whose certificate was moved by a run that was killed then. */
async function finishRetiring(ca: CaFolder): Promise<void> {
  const living = new Set(ca.issuingCas.map(({ generation }) => generation))
  for (const generation of await generationsIn(join(ca.folder, retiredFolder)))
    if (!living.has(generation)) await moveAway(ca, generation)
}

async function moveAway({ folder, name }: CaFolder, generation: number): Promise<void> {
  const to = join(folder, retiredFolder)
  await mkdir(to, { recursive: true, mode: 0o700 })
  const { certificateFile, keyFile, crlFile } = issuingFiles(folder, name, generation)
  for (const file of [certificateFile, keyFile, crlFile]) await move(file, join(to, basename(file)))
}

/** What is gone was moved before. A name there is only ever that of the same CA: generations are not numbered anew. */
async function move(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}
