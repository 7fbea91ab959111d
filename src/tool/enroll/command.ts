/** `portcullis enroll`: devices get their own certificates, over EST. */
import type { Command } from 'commander'
import { addExitCodes } from '../help.ts'
import { addEnrollList } from './list.ts'
import { addEnrollRequest } from './request.ts'
import { addEnrollServe } from './serve.ts'
import { addEnrollToken } from './token.ts'
import { addEnrollWithdraw } from './withdraw.ts'

export function addEnroll(program: Command): void {
  const enroll = program
    .command('enroll')
    .alias('enrol')
    .description('let devices fetch and renew their certificates themselves, over EST (RFC 7030)')
  addExitCodes(enroll, 'portcullis enroll token pump-12 --set site=s1 --valid 24h')
  addEnrollToken(enroll)
  addEnrollServe(enroll)
  addEnrollRequest(enroll)
  addEnrollList(enroll)
  addEnrollWithdraw(enroll)
}
