/** `portcullis ca rotate`: an issuing CA with a new key beside the old one, the plan of their overlap, and its end with `--retire`. */
import { type Command, Option } from 'commander'
import { PortcullisError } from '../../problem.ts'
import type { CaFolder, OpenCa } from '../../provision/ca-folder.ts'
import { readCa } from '../../provision/ca-folder.ts'
import { requireClock } from '../../provision/ca-validity.ts'
import { writeIssuingRequest } from '../../provision/issuing-request.ts'
import { type KeyType, keyHashOf, keyTypes } from '../../provision/keys.ts'
import { retireCas } from '../../provision/retire-ca.ts'
import {
  certifyPending,
  installPending,
  type PendingCa,
  prepareRotation,
  requireNoOverlap,
} from '../../provision/rotate-ca.ts'
import { exitCodes } from '../exit-codes.ts'
import { addExitCodes } from '../help.ts'
import { answer, say, sayProblems } from '../io.ts'
import { readBytes, writePublic } from './answer-files.ts'
import { issuersBlock, shownPath } from './ca-text.ts'
import { defaultCrlDays } from './crl.ts'
import { addSigningOptions, parseDays, type SigningOptions, withCa, withLedger } from './open.ts'
import { tellRequest } from './renew.ts'
import { addRootOptions, openRoot, type RootOptions } from './root-options.ts'
import { answerPlan } from './rotation-plan.ts'

interface RotateOptions extends SigningOptions, RootOptions {
  readonly key?: KeyType
  readonly days: number
  readonly crlDays: number
  readonly csr?: string
  readonly certificate?: string
  readonly again?: boolean
  readonly plan?: boolean
  readonly retire?: boolean
  readonly json?: boolean
}

export function addCaRotate(ca: Command): void {
  const rest = ['csr', 'certificate', 'key', 'again']
  addExitCodes(
    addRootOptions(
      addSigningOptions(
        ca
          .command('rotate')
          .description(
            'make an issuing CA with a new key, which signs from now on, beside the old one; plan their overlap',
          ),
      ),
    )
      .addOption(new Option('--key <type>', 'type of the new key (default: that of the old one)').choices(keyTypes))
      .option('--days <n>', 'validity of the new issuing CA', parseDays, 3650)
      .option('--crl-days <n>', 'until when its next CRL must be there', parseDays, defaultCrlDays)
      .addOption(new Option('--csr <file>', 'the root is elsewhere: write a request for it').conflicts('certificate'))
      .option('--certificate <file>', 'install what the root made of the request')
      .option('--again', 'also where an earlier rotation is not finished')
      .addOption(new Option('--plan', 'only say what is left to do').conflicts([...rest, 'retire']))
      .addOption(
        new Option('--retire', 'take the older ones away, once nothing living depends on them').conflicts(rest),
      )
      .option('--json', 'answer the plan as JSON')
      .action(rotate),
    'portcullis ca rotate --root-key /media/stick/root.key',
  )
}

function rotate(options: RotateOptions): Promise<void> {
  if (options.plan)
    return withLedger(options, async (ca, ledger) => answerPlan(ca, ledger, new Date(), options.json ?? false))
  if (options.retire) return retire(options)
  return withCa(options, async (ca, passphrase) => {
    requireClock(ca.ledger, ca.now())
    if (!options.again) requireNoOverlap(ca)
    // before a key is made: without the root it would only lie about
    const root =
      options.csr === undefined && options.certificate === undefined ? await openRoot(ca, options) : undefined
    const pending = await prepareRotation(ca, { keyType: options.key, passphrase })
    if (pending.isOld) say(`using the key that waits in ${shownPath(pending.keyFile)}`)
    if (options.csr !== undefined) return request(options.csr, pending)
    const pem =
      root === undefined
        ? await readBytes(options.certificate ?? '', 'certificate', 'provision/bad-answer')
        : Buffer.from(certifyPending(ca, pending, root, { now: ca.now(), days: options.days }))
    await install(ca, pending, pem, options)
  })
}

async function request(file: string, pending: PendingCa): Promise<void> {
  await writePublic(file, writeIssuingRequest(pending))
  tellRequest(file, pending.subjectText, keyHashOf(pending.keys.publicKey))
  say('then install its answer: portcullis ca rotate --certificate FILE')
}

async function install(ca: OpenCa, pending: PendingCa, pem: Buffer, options: RotateOptions): Promise<void> {
  const installed = await installPending(ca, pending, pem, options.crlDays)
  if (!installed.ok) {
    const { certificate } = options
    throw new PortcullisError([
      { ...installed.problem, ...(certificate === undefined ? {} : { where: { file: certificate } }) },
    ])
  }
  say(`rotated: ${pending.subjectText} signs from now on`, 'good')
  answerPlan(await readCa(options.ca), ca.ledger, ca.now(), options.json ?? false)
}

async function retire(options: RotateOptions): Promise<void> {
  await withLedger(options, async (ca, ledger) => {
    const retired = await retireCas(ca, ledger, new Date())
    if (!retired.ok) {
      sayProblems([retired.problem])
      process.exitCode = exitCodes.no
      return
    }
    for (const { certificate } of retired.value) say(`retired ${certificate.subjectText}`, 'good')
    answerBlock(await readCa(options.ca))
    say(`its certificate, key and last CRL are in ${shownPath(ca.folder)}/retired; destroy the key when you like`)
  })
}

function answerBlock(ca: CaFolder): void {
  for (const line of issuersBlock(ca)) answer(line)
}
