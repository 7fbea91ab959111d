/** Removes, and says so, what killed commands left in the folders that a command is about to write to. */
import { resolve } from 'node:path'
import type { Ledger } from '../../provision/ledger.ts'
import { type SweepOptions, sweepFiles, sweepNewCas } from '../../provision/sweep.ts'
import { count, say } from '../io.ts'
import { shownPath } from './ca-text.ts'

const options = (): SweepOptions => ({ now: new Date(), uid: process.getuid?.() })

/** Temporary files of keys, certificates and CRLs. */
export async function sweepLeftovers(folder: string): Promise<void> {
  tell(folder, await sweepFiles(folder, options()), 'file')
}

/** The same where files of devices are, but for what a batch that is run again can complete a device with. */
export async function sweepDeviceLeftovers(folder: string, ledger: Ledger): Promise<void> {
  const isIssued = (name: string): boolean => ledger.ofName(name).some(({ state }) => state === 'issued')
  tell(folder, await sweepFiles(folder, { ...options(), isIssued }), 'file')
}

/** Halves of new authorities, beside where one is to be. */
export async function sweepHalfMade(caFolder: string): Promise<void> {
  tell(resolve(caFolder, '..'), await sweepNewCas(caFolder, options()), 'folder')
}

function tell(folder: string, removed: readonly string[], what: string): void {
  if (removed.length > 0)
    say(`removed ${count(removed.length, what)} that a killed command left in ${shownPath(folder)}`)
}
