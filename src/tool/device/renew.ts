/** `portcullis device renew NAME`: a new key and certificate with the same names, beside the old one or in its place. */
import type { Command } from 'commander'
import { parseIdentityText } from '../../policy/identity-text.ts'
import type { MappedIdentity } from '../../policy/model.ts'
import { ConfigurationError, problem } from '../../problem.ts'
import { publishCrl } from '../../provision/crl-file.ts'
import type { LedgerRecord } from '../../provision/ledger-record.ts'
import { sameKeyProblem } from '../../provision/same-key.ts'
import { dayText } from '../ca/ca-text.ts'
import { defaultCrlDays, sayCrl } from '../ca/crl.ts'
import { parseDays, withCa } from '../ca/open.ts'
import { sweepDeviceLeftovers } from '../ca/sweep-leftovers.ts'
import { addExitCodes } from '../help.ts'
import { count, say } from '../io.ts'
import { loadContext } from './context.ts'
import { answerIssued } from './device-text.ts'
import { findRecords } from './find-records.ts'
import { issueDevice, makeKey } from './issue-device.ts'
import { addIssueOptions, type IssueCommandOptions, keyOption, refuse } from './issue-options.ts'
import { addOutputOptions, type OutputOptions, readOutput } from './output-options.ts'
import { readRequestFile } from './read-request.ts'

interface RenewOptions extends IssueCommandOptions, OutputOptions {
  readonly identity?: string
  readonly csr?: string
  readonly sameKey?: boolean
  readonly supersede?: boolean
  readonly replace?: boolean
  readonly crlDays: number
}

export function addDeviceRenew(device: Command): void {
  addExitCodes(
    addOutputOptions(
      addIssueOptions(
        device
          .command('renew')
          .description('make a new key and certificate with the same names; the old one stays valid unless --supersede')
          .argument('<name>', 'name of the device'),
      ).addOption(keyOption()),
    )
      .option('--csr <file>', 'sign the key of this request instead of making one')
      .option('--same-key', 'also where the request is for a key that the device has had before')
      .option('--identity <text>', 'which one, where two devices have the name: device:site=s1,device=pump-7')
      .option('--supersede', 'put the old certificates on the CRL at once')
      .option('--replace', 'replace the files of the old certificate in --out')
      .option('--crl-days <n>', 'with --supersede: until when the next CRL must be there', parseDays, defaultCrlDays)
      .action(renew),
    'portcullis device renew pump-12 --out renewed --supersede',
  )
}

async function renew(name: string, options: RenewOptions): Promise<void> {
  const output = await readOutput(options)
  const request = options.csr === undefined ? undefined : await readRequestFile(options.csr)
  await withCa(options, async ca => {
    const records = findRecords(ca.ledger, { name, identity: options.identity })
    const last = lastIssued(records, name)
    const context = await loadContext(options, ca)
    const key = request === undefined ? makeKey(options.key) : { publicKey: request.publicKey, keyPem: undefined }
    const reused = options.sameKey ? undefined : sameKeyProblem(records, name, key.publicKey)
    if (reused !== undefined) {
      refuse(reused)
      return
    }
    const { days, out, supersede = false, replace = false } = options
    await sweepDeviceLeftovers(out, ca.ledger)
    const wish = {
      ...context,
      ...key,
      output,
      identity: identityOf(last),
      name,
      days,
      out,
      supersede,
      replaceFiles: replace,
    }
    const issued = await issueDevice(ca, { ...wish, renew: true })
    if (!issued.ok) {
      refuse(issued.problem)
      return
    }
    const { superseded } = issued.value
    answerIssued(issued.value, options.json ?? false)
    say(`renewed ${name}`, 'good')
    if (supersede) {
      say(`superseded ${count(superseded.length, 'certificate')}`)
      sayCrl(await publishCrl(ca, options.crlDays))
    } else say(`the old one is good until ${dayText(last.notAfter)}, unless it is revoked`)
  })
}

function lastIssued(records: readonly LedgerRecord[], name: string): LedgerRecord {
  const last = records.filter(({ state }) => state === 'issued').at(-1)
  if (last !== undefined) return last
  const help = `issue it anew: portcullis device issue ${name}`
  throw new ConfigurationError([
    problem('provision/unknown-certificate', `${name} has no certificate that is in use`, { help }),
  ])
}

function identityOf({ identity = '' }: LedgerRecord): MappedIdentity {
  const parsed = parseIdentityText(identity)
  if (parsed?.ok) return parsed.value
  throw new TypeError(`the ledger has an identity that cannot be read: ${identity}`)
}
