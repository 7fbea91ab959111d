/** Certificates for the conformance suite: those of the sample plant, some odd ones made on first use, and revocation. */

import { X509Certificate } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openAuthority, signCrl } from '../../src/provision/authority.ts'
import type { CrlReason } from '../../src/provision/crl-writer.ts'
import { createKeys, toPem } from '../../src/provision/keys.ts'
import { strings } from './der.ts'
import { cn, type OddName, oddCertificate, ou, plainName } from './pki.ts'
import type { Credentials } from './raw-client.ts'

const hourMs = 3_600_000
/** How long `short-lived` is valid. X.509 counts whole seconds. */
const shortLifeMs = 2000

/** Names that the sample plant does not have: what they say, and how long. */
const odd: Readonly<Record<string, { readonly subject: OddName; readonly lifeMs: number }>> = {
  // read as text it is pump-7
  'bmp-name': { subject: [[[ou, strings.utf8('s1')]], [[cn, strings.bmp('pump-7')]]], lifeMs: hourMs },
  'two-names': {
    subject: [[[ou, strings.utf8('s1')]], [[cn, strings.utf8('pump-8')]], [[cn, strings.utf8('pump-7')]]],
    lifeMs: hourMs,
  },
  'pump-7 renewed': { subject: plainName('pump-7'), lifeMs: hourMs },
  'short-lived': { subject: plainName('short-lived'), lifeMs: shortLifeMs },
}

export class SuiteCerts {
  readonly #folder: string
  readonly #made = new Map<string, Credentials>()
  readonly #revoked = new Map<string, CrlReason | undefined>()

  /** `folder` is one as `ensureDevCerts` makes it. */
  constructor(folder: string) {
    this.#folder = folder
  }

  async credentials(name: string): Promise<Credentials> {
    const known = this.#made.get(name)
    if (known !== undefined) return known
    const ca = await this.#text('ca.pem')
    const special = odd[name]
    if (special === undefined) {
      return { key: await this.#text(`${name}.key`), cert: await this.#text(`${name}.pem`), ca }
    }
    const issuing = openAuthority(await this.#text('issuing.pem'), await this.#text('issuing.key'))
    const now = Date.now()
    const keys = createKeys()
    const leaf = oddCertificate({
      subject: special.subject,
      keys,
      by: issuing,
      notBefore: new Date(now - hourMs),
      notAfter: new Date(now + special.lifeMs),
    })
    const key = String(keys.privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const made = { key, cert: toPem('CERTIFICATE', leaf) + issuing.pem, ca }
    this.#made.set(name, made)
    return made
  }

  /** Signs a CRL that also names this certificate, and puts it in the place of the one before. */
  async revoke(name: string, reason?: CrlReason): Promise<void> {
    const issuing = openAuthority(await this.#text('issuing.pem'), await this.#text('issuing.key'))
    for (const one of new Set(['pump-5', name])) {
      const serial = new X509Certificate(await this.#text(`${one}.pem`)).serialNumber.toLowerCase().replace(/^0+/, '')
      if (!this.#revoked.has(serial)) this.#revoked.set(serial, one === name ? reason : undefined)
    }
    const now = new Date()
    const crl = signCrl(issuing, {
      // above the one that the sample plant was given, which counts in seconds
      number: Date.now(),
      thisUpdate: now,
      nextUpdate: new Date(now.getTime() + hourMs),
      revoked: [...this.#revoked].map(([serialHex, why]) => ({ serialHex, date: now, ...(why && { reason: why }) })),
    })
    await writeFile(join(this.#folder, 'acme.crl'), crl.pem)
  }

  #text(file: string): Promise<string> {
    return readFile(join(this.#folder, file), 'utf8')
  }
}
