/** A process of its own that spends enrolment tokens until it is killed, and says each before it is spent. */
import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { openLedger } from '../../dist/provision/ledger.js'

const [path, prefix] = process.argv.slice(2)
const ledger = openLedger(path, { now: () => new Date(), by: prefix })
for (let turn = 0; ; turn++) {
  const name = `${prefix}-${turn}`
  const identity = `device:device=${name}`
  const jti = randomBytes(16).toString('hex')
  const serialHex = `41${randomBytes(15).toString('hex')}`
  const of = { issuerKeyId: 'ca', name, identity }
  ledger.tokens.add({ ...of, jti, expires: new Date(Date.now() + 60_000) })
  writeSync(1, `${jti}\n`)
  ledger.reserve({
    ...of,
    serialHex,
    profile: 'device',
    clientIds: [name],
    keyHash: serialHex,
    notAfter: new Date(Date.now() + 86_400_000),
    holds: [`client-id ${name}`],
    renew: false,
    token: jti,
  })
}
