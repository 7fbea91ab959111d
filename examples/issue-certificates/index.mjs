// Makes an authority, issues a certificate for a device of the sample policy, and revokes it. Everything goes into one new folder.
//   node examples/issue-certificates/index.mjs new-folder policies
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  createCertificateAuthority,
  createKeys,
  formatProblem,
  keyPem,
  loadPolicyFolder,
  openCertificateAuthority,
  PortcullisError,
  stageFiles,
} from 'portcullis/provision'

const [folder = 'issued', policies = 'policies'] = process.argv.slice(2)
// who does it, for the ledger; a real one has a passphrase too
const access = { by: 'example' }

/** The value, or the end of the program: a refusal is an answer, not an exception. */
function must(result) {
  if (result.ok) return result.value
  console.error(formatProblem(result.problem))
  process.exit(2)
}

try {
  mkdirSync(folder, { recursive: true })
  const { crlFile } = await createCertificateAuthority(join(folder, 'ca'), { name: 'acme', ...access })
  const authority = await openCertificateAuthority(join(folder, 'ca'), access)
  const { set } = await loadPolicyFolder(policies, { issuers: ['acme'] })

  // what would the gate make of it? nothing is made yet
  const keys = createKeys()
  const wish = { set, name: 'pump-12', captures: { site: 's1' }, publicKey: keys.publicKey, days: 90 }
  const plan = must(authority.planDevice(wish))
  console.log(`planned: ${plan.entitlement.identityText}, client id ${plan.entitlement.clientIds.join(' or ')}`)

  const issued = must(
    await authority.issue(plan, signed =>
      stageFiles([
        { path: join(folder, 'pump-12.key'), content: keyPem(keys.privateKey), mode: 0o600 },
        { path: join(folder, 'pump-12.pem'), content: signed.pem + authority.facts.issuingPem, mode: 0o644 },
      ]),
    ),
  )
  console.log(`issued: ${issued.certificate.serialHex}, until ${issued.certificate.notAfter.toISOString()}`)

  const revoked = await authority.revoke(authority.ofName('pump-12'), 'cessationOfOperation')
  console.log(`revoked: ${revoked.length}, on ${crlFile}`)
  authority.close()
} catch (error) {
  if (!(error instanceof PortcullisError)) throw error
  console.error(error.message)
  process.exitCode = 3
}
