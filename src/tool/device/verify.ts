/** `portcullis device verify CERT`: what the authority, its ledger and the policy say of a certificate; exit code 2 where one says no. */

import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { type Certificate, parseCertificate } from '../../authenticate/certificate.ts'
import { ConfigurationError, fail, ok, problem, type Result } from '../../problem.ts'
import { type CaFolder, openCaLedger, readCa } from '../../provision/ca-folder.ts'
import { type Entitlement, entitlementOf } from '../../provision/entitlement.ts'
import type { IssuingCa } from '../../provision/issuing-cas.ts'
import type { LedgerRecord } from '../../provision/ledger-record.ts'
import { addCaOption, type CaOptions, ledgerOptions } from '../ca/open.ts'
import { addExitCodes } from '../help.ts'
import { answer, answerJson } from '../io.ts'
import { addPolicyOptions, loadContext, type PolicyOptions } from './context.ts'
import { entitlementJson, entitlementLines } from './device-text.ts'
import { refuse } from './issue-options.ts'

interface VerifyOptions extends CaOptions, PolicyOptions {
  readonly json?: boolean
}

export function addDeviceVerify(device: Command): void {
  addExitCodes(
    addPolicyOptions(
      addCaOption(
        device
          .command('verify')
          .description('say what authority, ledger and policy make of a certificate')
          .argument('<file>', 'the certificate (PEM); the first one of the file counts'),
      ),
    )
      .option('--json', 'answer as JSON')
      .action(verify),
    'portcullis device verify pump-12.pem',
  )
}

async function verify(file: string, options: VerifyOptions): Promise<void> {
  const ca = await readCa(options.ca)
  const x509 = await readCertificate(file)
  const signer = ca.issuingCas.find(one => isSignedBy(x509, one.pem))
  const context = await loadContext(options, ca, signer?.issuerKeyId)
  const parsed = parseCertificate(x509.raw)
  const standing = parsed.ok ? standingOf(ca, signer, parsed.value) : parsed
  const verdict =
    parsed.ok && standing.ok ? entitlementOf(context.set, parsed.value, context.issuer, Date.now()) : standing
  if (!verdict.ok) {
    if (options.json) answerJson({ accepted: false, problem: verdict.problem })
    refuse(verdict.problem)
    return
  }
  const entitlement = verdict.value as Entitlement
  if (options.json) answerJson({ accepted: true, ...entitlementJson(entitlement) })
  else for (const line of ['accepted', ...entitlementLines(entitlement)]) answer(line)
}

async function readCertificate(file: string): Promise<X509Certificate> {
  const unreadable = (sentence: string): ConfigurationError =>
    new ConfigurationError([problem('tool/unreadable-certificate', sentence, { where: { file } })])
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(`the certificate file cannot be read (${error.code})`)
  })
  try {
    return new X509Certificate(bytes)
  } catch {
    throw unreadable('the file holds no certificate')
  }
}

function isSignedBy(x509: X509Certificate, issuerPem: string): boolean {
  const issuer = new X509Certificate(issuerPem)
  return x509.checkIssued(issuer) && x509.verify(issuer.publicKey)
}

/** Whether this authority signed it, knows it, and still stands by it. */
function standingOf(ca: CaFolder, signer: IssuingCa | undefined, { serial }: Certificate): Result<LedgerRecord> {
  if (signer === undefined) {
    return fail(problem('accept/unknown-issuer', 'this authority did not sign the certificate'))
  }
  const ledger = openCaLedger(ca, ledgerOptions())
  try {
    const record = ledger.ofSerial(serial).find(({ issuerKeyId }) => issuerKeyId === signer.issuerKeyId)
    if (record === undefined) {
      const help = 'somebody may have the key of the authority: find out before anything else'
      return fail(problem('provision/unknown-certificate', 'the ledger does not know the certificate', { help }))
    }
    if (record.state === 'issued') return ok(record)
    const sentence = `the certificate is ${record.state} since ${record.since.toISOString()}${record.reason === undefined ? '' : ` (${record.reason})`}`
    return fail(problem('provision/not-in-force', sentence))
  } finally {
    ledger.close()
  }
}
