/**
 * Whether foreign verifiers take what `ca` and `device` make: authorities of three key types, each with a server, a device, a revoked
 * device and the CRL, shown to each verifier in turn. Prints one table. What must be accepted is, what is revoked is refused as revoked; any
 * other cell ends it with exit code 1. A tool that is not here is told loudly; `--no-skips` makes that a failure too;
 * `--keys=p256` looks at one type of key only.
 * Needs `npm run build`. Debian: openssl gnutls-bin python3-cryptography mosquitto mosquitto-clients default-jre-headless
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gnutls } from './verifiers/gnutls.mjs'
import { java, javaPkcs12 } from './verifiers/java.mjs'
import { makePki, pkcs12IsThere } from './verifiers/make-pki.mjs'
import { mosquitto } from './verifiers/mosquitto.mjs'
import { nodeTls } from './verifiers/node-tls.mjs'
import { openssl } from './verifiers/openssl.mjs'
import { pythonHandshake, pythonVerification } from './verifiers/python.mjs'

/** @typedef {import('./verifiers/make-pki.mjs').Pki} Pki */
/** @typedef {import('./verifiers/make-pki.mjs').Leaf} Leaf */
/** @typedef {{ readonly accepted: boolean, readonly said: string }} Verdict `said`: what the verifier printed, for a cell that is not as expected */
/** @typedef {{ readonly name: string, readonly leaves?: readonly string[], missing(): string | undefined, check(pki: Pki, leaf: Leaf): Verdict | Promise<Verdict> }} Verifier */

const keysOption = process.argv.find(word => word.startsWith('--keys='))
const keyTypes = keysOption?.slice('--keys='.length).split(',') ?? ['p256', 'p384', 'rsa2048']
const leaves = ['server', 'device', 'revoked']
// PKCS#12: runs as soon as `portcullis device issue --help` lists --pkcs12; scripts/verifiers/java.mjs says how it is called
const verifiers = [
  openssl,
  gnutls,
  pythonHandshake,
  pythonVerification,
  mosquitto,
  nodeTls,
  java,
  ...(pkcs12IsThere() ? [javaPkcs12] : []),
]

const folder = mkdtempSync(join(tmpdir(), 'portcullis-verifiers-'))
const complaints = []
const rows = []
try {
  const pkis = keyTypes.map(type => makePki(join(folder, type), type))
  for (const verifier of verifiers) rows.push([verifier.name, ...(await cellsOf(verifier, pkis))])
} finally {
  rmSync(folder, { recursive: true, force: true })
}
print([['verifier', ...keyTypes.flatMap(type => leaves.map(leaf => `${type} ${leaf}`))], ...rows])
for (const line of complaints) console.log(line)
const failed = complaints.some(line => line.startsWith('FAILED') || process.argv.includes('--no-skips'))
process.exitCode = failed ? 1 : 0

/** One cell for each key type and leaf; every cell is `skipped` where the tool is not here. */
async function cellsOf(verifier, pkis) {
  const missing = verifier.missing()
  if (missing !== undefined) complaints.push(`SKIPPED ${verifier.name}: ${missing}`)
  const cells = []
  for (const pki of pkis)
    for (const leaf of leaves)
      if (!(verifier.leaves ?? leaves).includes(leaf)) cells.push('-')
      else cells.push(missing === undefined ? await cellOf(verifier, pki, pki.leaves[leaf]) : 'skipped')
  return cells
}

async function cellOf(verifier, pki, leaf) {
  const { accepted, said } = await Promise.resolve(verifier.check(pki, leaf)).catch(error => ({
    accepted: false,
    said: String(error),
  }))
  // refused for another reason proves nothing about the CRL
  const isRight = leaf.isRevoked ? !accepted && /revoked/i.test(said) : accepted
  if (!isRight)
    complaints.push(
      `FAILED  ${verifier.name}, ${pki.keyType} ${leaf.name}: ${said.trim().split('\n').slice(0, 20).join('\n') || 'it said nothing'}`,
    )
  const verdict = accepted ? 'accepted' : /revoked/i.test(said) ? 'revoked' : 'refused'
  return isRight ? verdict : `${verdict.toUpperCase()}!`
}

function print(table) {
  const widths = table[0].map((_, column) => Math.max(...table.map(row => row[column].length)))
  for (const row of table)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
}
