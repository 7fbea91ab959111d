/** `portcullis device show NAME`: every certificate of a device, with what happened to each. */
import type { Command } from 'commander'
import { addCaOption, type CaOptions, withLedger } from '../ca/open.ts'
import { addExitCodes } from '../help.ts'
import { answer, answerJson } from '../io.ts'
import { findRecords } from './find-records.ts'
import { recordDetailJson, stateText } from './record-text.ts'
import { addWhichDevice, type WhichOptions } from './which-device.ts'

interface ShowOptions extends CaOptions, WhichOptions {
  readonly json?: boolean
}

export function addDeviceShow(device: Command): void {
  const command = addCaOption(
    device
      .command('show')
      .description('show every certificate of a device, or the one with a serial, and what happened to it'),
  )
  addExitCodes(
    addWhichDevice(command, show).option('--json', 'answer as JSON, with the certificates'),
    'portcullis device show pump-12',
  )
}

async function show(name: string | undefined, options: ShowOptions): Promise<void> {
  await withLedger(options, async (_, ledger) => {
    const nowMs = Date.now()
    const records = findRecords(ledger, { name, serial: options.serial, identity: options.identity })
    if (options.json) {
      answerJson(records.map(record => recordDetailJson(record, ledger, nowMs)))
      return
    }
    for (const record of records) {
      answer(`${record.name}  serial ${record.serialHex}  ${stateText(record, nowMs)}`)
      answer(`  identity     ${record.identity ?? ''}`)
      if (record.clientIds.length > 0) answer(`  client id    ${record.clientIds.join(' or ')}`)
      answer(`  valid until  ${record.notAfter.toISOString()}`)
      for (const { state, at, by, reason } of ledger.history(record))
        answer(`  ${at.toISOString()}  ${state}${reason === undefined ? '' : ` (${reason})`} by ${by}`)
    }
  })
}
