/** `portcullis device revoke NAME`: revokes every certificate of a device, and writes the CRL in the same run. */
import { type Command, Option } from 'commander'
import { publishCrl } from '../../provision/crl-file.ts'
import type { CrlReason } from '../../provision/crl-writer.ts'
import type { Ledger } from '../../provision/ledger.ts'
import type { LedgerRecord } from '../../provision/ledger-record.ts'
import { withSameKey } from '../../provision/with-same-key.ts'
import { defaultCrlDays, sayCrl } from '../ca/crl.ts'
import { addSigningOptions, parseDays, type SigningOptions, withCa } from '../ca/open.ts'
import { addExitCodes } from '../help.ts'
import { answer, count, say } from '../io.ts'
import { findRecords, type WhichDevice } from './find-records.ts'
import { addWhichDevice, type WhichOptions } from './which-device.ts'

interface RevokeOptions extends SigningOptions, WhichOptions {
  readonly reason: CrlReason
  readonly crlDays: number
}

/** Of RFC 5280 §5.3.1 those that fit a device and are final. */
const reasons: readonly CrlReason[] = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
]

export function addDeviceRevoke(device: Command): void {
  const command = addSigningOptions(
    device
      .command('revoke')
      .description('revoke every certificate of a device, or the one with a serial, and write the CRL'),
  )
  addExitCodes(
    addWhichDevice(command, revoke)
      .addOption(
        new Option('--reason <reason>', 'why; keyCompromise means every certificate with the key')
          .choices(reasons)
          .default('unspecified'),
      )
      .option('--crl-days <n>', 'until when the next CRL must be there', parseDays, defaultCrlDays),
    'portcullis device revoke pump-12 --reason keyCompromise',
  )
}

async function revoke(name: string | undefined, options: RevokeOptions): Promise<void> {
  const { serial, identity, reason, crlDays } = options
  await withCa(options, async ca => {
    const revoked = revokeAll(ca.ledger, { name, serial, identity }, reason)
    // also where nothing is new: an earlier run may have been killed before its list was out
    const published = await publishCrl(ca, crlDays)
    for (const one of revoked) answer(`revoked ${one.name}  serial ${one.serialHex}  ${one.identity ?? ''}`)
    say(`revoked ${count(revoked.length, 'certificate')}${revoked.length === 0 ? ': all of them were already' : ''}`)
    sayCrl(published)
  })
}

/** Until nothing is left: a device may just be renewing itself with what is being revoked. */
function revokeAll(ledger: Ledger, which: WhichDevice, reason: CrlReason): readonly LedgerRecord[] {
  const revoked: LedgerRecord[] = []
  for (;;) {
    const found = findRecords(ledger, which)
    const more = ledger.revoke(reason === 'keyCompromise' ? withSameKey(ledger, found) : found, reason)
    if (more.length === 0) return revoked
    revoked.push(...more)
  }
}
