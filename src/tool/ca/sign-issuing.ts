/** `portcullis ca sign-issuing`: on the machine of the root, signs the request of an issuing CA. Needs no ledger and no folder. */
import { type Command, InvalidArgumentError } from 'commander'
import { ConfigurationError, PortcullisError, problem } from '../../problem.ts'
import { readCertificateFile } from '../../provision/issuing-cas.ts'
import { requireRoot, signIssuingRequest } from '../../provision/sign-issuing-request.ts'
import { addExitCodes } from '../help.ts'
import { answer, say } from '../io.ts'
import { readBytes, writePublic } from './answer-files.ts'
import { dayText, shownPath } from './ca-text.ts'
import { parseDays } from './open.ts'
import { openRootKey, type RootOptions } from './root-options.ts'

interface SignOptions extends RootOptions {
  readonly csr: string
  readonly rootKey: string
  readonly rootCert: string
  readonly keySha256?: string
  readonly days: number
  readonly out: string
}

export function addCaSignIssuing(ca: Command): void {
  addExitCodes(
    ca
      .command('sign-issuing')
      .description('on the machine of the root: sign the request of an issuing CA')
      .requiredOption('--csr <file>', 'the request, of `ca renew --csr` or `ca rotate --csr`')
      .requiredOption('--root-key <file>', 'the key of the root')
      .requiredOption('--root-cert <file>', 'the certificate of the root')
      .requiredOption('--out <file>', 'where the certificate goes')
      .option('--key-sha256 <hex>', 'the key that the other machine said, to be compared', parseHash)
      .option('--days <n>', 'validity', parseDays, 3650)
      .option(
        '--root-passphrase-file <file>',
        'first line: the passphrase of the root (or PORTCULLIS_ROOT_PASSPHRASE, or typed)',
      )
      .action(sign),
    'portcullis ca sign-issuing --csr issuing.csr --root-key root.key --root-cert root.pem --out issuing.pem',
  )
}

function parseHash(text: string): string {
  const hash = text.toLowerCase()
  if (/^[0-9a-f]{64}$/.test(hash)) return hash
  throw new InvalidArgumentError('Write 64 hexadecimal digits.')
}

async function sign(options: SignOptions): Promise<void> {
  const { csr, rootKey, rootCert, keySha256, days, out } = options
  const bytes = await readBytes(csr, 'signing request', 'provision/bad-request')
  const authority = await openRootKey((await readCertificateFile(rootCert)).x509.toString(), rootKey, options)
  const result = signIssuingRequest(bytes, requireRoot(authority, rootCert), { now: new Date(), days })
  if (!result.ok) throw new ConfigurationError([{ ...result.problem, where: { file: csr } }])
  const { signed, subjectText, keyHash, ignored } = result.value
  if (keySha256 !== undefined && keySha256 !== keyHash) {
    const sentence = 'the signing request cannot be signed: its key is not the one given with --key-sha256'
    const help = 'somebody may have changed the request on its way: find out before anything else'
    throw new PortcullisError([problem('provision/bad-request', sentence, { where: { file: csr }, help })])
  }
  await writePublic(out, signed.pem)
  for (const one of ignored) say(`ignored in the request: ${one}`)
  say(`signed ${subjectText}`, 'good')
  answer(`subject      ${subjectText}`)
  answer(`key sha256   ${keyHash}`)
  answer(`valid until  ${dayText(signed.notAfter)}`)
  answer(`certificate  ${shownPath(out)}`)
  if (keySha256 === undefined)
    say('compare the key with what the other machine said, before you take the certificate there')
}
