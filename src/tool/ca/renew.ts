/** `portcullis ca renew`: the same issuing CA, or root, for longer. With the root elsewhere in two steps: `--csr`, then `--certificate`. */
import { type Command, Option } from 'commander'
import { PortcullisError } from '../../problem.ts'
import { requireClock } from '../../provision/ca-validity.ts'
import { writeIssuingRequest } from '../../provision/issuing-request.ts'
import { keyHashOf } from '../../provision/keys.ts'
import { installRenewed, type Renewed, renewIssuing, renewRootOf } from '../../provision/renew-ca.ts'
import { addExitCodes } from '../help.ts'
import { answer, say } from '../io.ts'
import { readBytes, writePublic } from './answer-files.ts'
import { dayText, shownPath } from './ca-text.ts'
import { addSigningOptions, parseDays, type SigningOptions, withCa, withLedger } from './open.ts'
import { addRootOptions, openRoot, type RootOptions } from './root-options.ts'
import { sweepLeftovers } from './sweep-leftovers.ts'

interface RenewOptions extends SigningOptions, RootOptions {
  readonly root?: boolean
  readonly csr?: string
  readonly certificate?: string
  readonly days?: number
}

/** As in `ca create`. */
const [rootDays, issuingDays] = [7300, 3650]

export function addCaRenew(ca: Command): void {
  addExitCodes(
    addRootOptions(
      addSigningOptions(
        ca
          .command('renew')
          .description('renew the certificate of the issuing CA: same key, so that devices keep theirs'),
      ),
    )
      .option('--days <n>', `validity (default: ${issuingDays}, with --root ${rootDays})`, parseDays)
      .addOption(new Option('--root', 'renew the certificate of the root instead').conflicts(['csr', 'certificate']))
      .addOption(
        new Option('--csr <file>', 'the root is elsewhere: write a request for it').conflicts(['certificate', 'days']),
      )
      .addOption(
        new Option('--certificate <file>', 'install what the root made of the request').conflicts(['days', 'rootKey']),
      )
      .action(renew),
    'portcullis ca renew --root-key /media/stick/root.key',
  )
}

async function renew(options: RenewOptions): Promise<void> {
  if (options.csr !== undefined) return request(options, options.csr)
  await withLedger(options, async (ca, ledger) => {
    const now = new Date()
    requireClock(ledger, now)
    await sweepLeftovers(ca.folder)
    if (options.certificate !== undefined) {
      const bytes = await readBytes(options.certificate, 'certificate', 'provision/bad-answer')
      const installed = await installRenewed(ca, bytes, now)
      if (!installed.ok) throw new PortcullisError([{ ...installed.problem, where: { file: options.certificate } }])
      tell(installed.value, ca.issuing.subjectText, ca.issuing.notAfter)
    } else if (options.root) {
      const renewed = await renewRootOf(ca, await openRoot(ca, options), { now, days: options.days ?? rootDays })
      tell(renewed, ca.root.subjectText, ca.root.notAfter)
      say('devices trust the root by a file of their own: give them the new one before the old one ends')
    } else {
      const root = await openRoot(ca, options)
      tell(
        await renewIssuing(ca, root, { now, days: options.days ?? issuingDays }),
        ca.issuing.subjectText,
        ca.issuing.notAfter,
      )
    }
  })
}

function tell({ file, kept, notAfter }: Renewed, subjectText: string, before: number): void {
  say(`renewed ${subjectText}`, 'good')
  answer(`certificate  ${shownPath(file)}`)
  answer(`valid until  ${dayText(notAfter)}, before ${dayText(before)}`)
  answer(`the old one  ${shownPath(kept)}`)
}

async function request(options: RenewOptions, file: string): Promise<void> {
  await withCa(options, async ca => {
    await writePublic(file, writeIssuingRequest(ca.authority))
    tellRequest(file, ca.issuing.subjectText, keyHashOf(ca.authority.keys.publicKey))
    say('then install its answer: portcullis ca renew --certificate FILE')
  })
}

/** What the machine of the root will show too, for a person to compare. */
export function tellRequest(file: string, subjectText: string, keyHash: string): void {
  answer(`subject      ${subjectText}`)
  answer(`key sha256   ${keyHash}`)
  answer(`request      ${shownPath(file)}`)
  say('take the request to the machine of the root: portcullis ca sign-issuing', 'good')
}
