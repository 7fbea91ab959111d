/** `portcullis device revoke NAME`: revokes every certificate of a device, and writes the CRL in the same run. */
import { type Command, Option } from 'commander'
import { publishCrl } from '../../provision/crl-file.ts'
import type { CrlReason } from '../../provision/crl-writer.ts'
import type { Ledger } from '../../provision/ledger.ts'
import type { LedgerRecord } from '../../provision/ledger-record.ts'
import type { TokenRecord } from '../../provision/ledger-tokens.ts'
import { type RevokedCertificates, revokeCertificates } from '../../provision/revoke-certificates.ts'
import { defaultCrlDays, sayCrl } from '../ca/crl.ts'
import { addSigningOptions, parseDays, type SigningOptions, withCa } from '../ca/open.ts'
import { addExitCodes } from '../help.ts'
import { answer, count, say } from '../io.ts'
import { ambiguous, findRecords, isOfIdentity, type WhichDevice } from './find-records.ts'
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
      .description(
        'revoke every certificate of a device and withdraw its tokens, or the one with a serial, and write the CRL',
      ),
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
    const which = { name, serial, identity }
    const { revoked, withdrawn } = withdrawOnly(ca.ledger, which) ?? revokeAll(ca.ledger, which, reason)
    // also where nothing is new: an earlier run may have been killed before its list was out
    const published = await publishCrl(ca, crlDays)
    for (const one of revoked) answer(`revoked ${one.name}  serial ${one.serialHex}  ${one.identity ?? ''}`)
    const isNothingNew = revoked.length + withdrawn.length === 0
    say(`revoked ${count(revoked.length, 'certificate')}${isNothingNew ? ': all of them were already' : ''}`)
    if (withdrawn.length > 0) say(`withdrew ${count(withdrawn.length, 'enrolment token')} that could still be used`)
    sayCrl(published)
  })
}

/** Of a device that has nothing but a token yet; undefined where it has more, or nothing. */
function withdrawOnly(
  ledger: Ledger,
  { name, serial, identity }: WhichDevice,
): { readonly revoked: readonly []; readonly withdrawn: readonly TokenRecord[] } | undefined {
  if (name === undefined || serial !== undefined || ledger.ofName(name).length > 0) return undefined
  const meant = ledger.tokens.outstandingOf(name).filter(one => identity === undefined || isOfIdentity(one, identity))
  const identities = [...new Set(meant.map(one => one.identity))]
  if (identities.length === 0) return undefined
  if (identities.length > 1) throw ambiguous(name, identities)
  return { revoked: [], withdrawn: ledger.tokens.withdrawOf(identities) }
}

/** Until nothing is left: a device may just be renewing itself with what is being revoked. */
function revokeAll(ledger: Ledger, which: WhichDevice, reason: CrlReason): RevokedCertificates {
  const [revoked, withdrawn]: [LedgerRecord[], TokenRecord[]] = [[], []]
  for (;;) {
    const more = revokeCertificates(ledger, findRecords(ledger, which), reason)
    revoked.push(...more.revoked)
    withdrawn.push(...more.withdrawn)
    if (more.revoked.length === 0) return { revoked, withdrawn }
  }
}
