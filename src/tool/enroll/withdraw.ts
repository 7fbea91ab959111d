/** `portcullis enroll withdraw ID`: a token that nobody has used yet is good no more. */
import type { Command } from 'commander'
import { addCaOption, type CaOptions, withLedger } from '../ca/open.ts'
import { refuse } from '../device/issue-options.ts'
import { addExitCodes } from '../help.ts'
import { say } from '../io.ts'

export function addEnrollWithdraw(enroll: Command): void {
  addExitCodes(
    addCaOption(
      enroll
        .command('withdraw')
        .description('take back a token that has not been used')
        .argument('<id>', 'as `enroll token` and `enroll list` tell it'),
    ).action(withdraw),
    'portcullis enroll withdraw 5f0c…',
  )
}

async function withdraw(id: string, options: CaOptions): Promise<void> {
  await withLedger(options, async (_, ledger) => {
    const objection = ledger.tokens.withdraw(id)
    if (objection === undefined) say(`withdrew the token ${id}`, 'good')
    else refuse(objection)
  })
}
