/** A process of its own that renews, or rotates, an authority again and again until it is killed, and says what it was told is done. */
import { writeSync } from 'node:fs'
import { openCa } from '../../dist/provision/ca-folder.js'
import { openWithKey } from '../../dist/provision/open-key.js'
import { renewIssuing } from '../../dist/provision/renew-ca.js'
import { certifyPending, installPending, prepareRotation } from '../../dist/provision/rotate-ca.js'

const [what, folder] = process.argv.slice(2)
const now = () => new Date()
const say = text => writeSync(1, `${text}\n`)
const rootOf = ca => openWithKey(ca.rootPem, `${folder}/root.key`, undefined)

say('ready')
for (;;) {
  const ca = await openCa(folder, undefined, { now, by: 'child' })
  const root = await rootOf(ca)
  if (what === 'renew') await renewIssuing(ca, root, { now: now(), days: 1000 })
  else {
    const pending = await prepareRotation(ca, { keyType: undefined, passphrase: undefined })
    const pem = certifyPending(ca, pending, root, { now: now(), days: 900 })
    await installPending(ca, pending, Buffer.from(pem), 30)
  }
  ca.ledger.close()
  const after = await openCa(folder, undefined, { now, by: 'child' })
  say(after.issuing.fingerprint)
  after.ledger.close()
}
