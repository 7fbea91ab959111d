/** A batch in a process of its own, with a clock that is some minutes on, until it is done or killed. Says on stdout what it did. */
import { readFileSync, writeSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { openCa } from '../../dist/provision/ca-folder.js'
import { publishCrl } from '../../dist/provision/crl-file.js'
import { issueBatch } from '../../dist/provision/issue-batch.js'
import { loadPolicyFolder } from '../../dist/source/folder.js'
import { planBatch } from '../../dist/tool/device/batch-rows.js'
import { deviceFiles, stageDevice, threeFiles } from '../../dist/tool/device/device-files.js'
import { recoverFiles, temporaryFiles } from '../../dist/tool/device/recover-files.js'

const [work, folder, minutes, names = ''] = process.argv.slice(2)
const now = () => new Date(Date.now() + Number(minutes) * 60_000)
const ca = await openCa(`${folder}/ca`, undefined, { now, by: 'batch@test' })
const say = text => writeSync(1, `${text}\n`)

if (work === 'revoke') {
  for (const name of names.split(',')) {
    const records = ca.ledger.ofName(name).filter(({ state }) => state === 'issued')
    if (records.length === 0) continue
    for (const { serialHex } of ca.ledger.revoke(records, 'keyCompromise')) say(`revoked ${serialHex}`)
    await publishCrl(ca, 30)
  }
} else {
  const { set } = await loadPolicyFolder(`${folder}/policies`, {})
  const issuer = { name: ca.name, only: new Map() }
  const table = { text: readFileSync(`${folder}/fleet.csv`, 'utf8'), file: 'fleet.csv' }
  const wish = { set, issuer, kind: 'device', given: new Map(), nameColumn: undefined, days: 365 }
  const { rows, problems } = planBatch(ca, table, wish)
  if (problems.length > 0) throw new Error(problems[0].sentence)
  const out = `${folder}/out`
  await mkdir(out, { recursive: true })
  const temporary = await temporaryFiles(out)
  const result = await issueBatch(ca, rows, {
    keyType: 'p256',
    jobs: 2,
    worthwhileMs: 0,
    stage: device => stageDevice(deviceFiles(out, device.name, true, threeFiles), device, threeFiles, ca),
    recover: record => recoverFiles({ folder: out, output: threeFiles, temporary }, record, ca),
  })
  const count = Object.entries(result).map(([what, list]) => `${what}=${Array.isArray(list) ? list.length : list}`)
  say(`done ${count.join(' ')}`)
  for (const { problem } of result.refused) say(`refused ${problem.sentence}`)
}
ca.ledger.close()
