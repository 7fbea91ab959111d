/** A process of its own that writes to a ledger until it is killed or done, and says on stdout what it was told is done. */
import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { openLedger } from '../../dist/provision/ledger.js'

const [path, prefix, count] = process.argv.slice(2)
const ledger = openLedger(path, { now: () => new Date(), by: prefix })
const say = text => writeSync(1, `${text}\n`)

for (let turn = 0; turn < Number(count); turn++) {
  const serialHex = `41${randomBytes(15).toString('hex')}`
  // every fourth name is wanted by all processes
  const name = turn % 4 === 0 ? `shared-${turn}` : `${prefix}-${turn}`
  const reserved = ledger.reserve({
    issuerKeyId: 'ca',
    serialHex,
    profile: 'device',
    name,
    identity: `device:device=${name}`,
    clientIds: [name],
    keyHash: serialHex,
    notAfter: new Date(Date.now() + 86_400_000),
    holds: [`client-id ${name}`],
    renew: false,
  })
  if (!reserved.ok) {
    say(`taken ${name}`)
    continue
  }
  say(`reserved ${serialHex}`)
  ledger.issue(reserved.value, Buffer.from(serialHex, 'hex'))
  say(`issued ${serialHex}`)
  if (turn % 3 !== 0) continue
  ledger.revoke([reserved.value], 'keyCompromise')
  say(`revoked ${serialHex}`)
}
say('done')
