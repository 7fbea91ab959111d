/** `portcullis ca`: the authority that devices and brokers get their certificates from. */
import type { Command } from 'commander'
import { addExitCodes } from '../help.ts'
import { addCaCreate } from './create.ts'
import { addCaCrl } from './crl.ts'
import { addCaRenew } from './renew.ts'
import { addCaRotate } from './rotate.ts'
import { addCaServer } from './server.ts'
import { addCaShow } from './show.ts'
import { addCaSignIssuing } from './sign-issuing.ts'

export function addCa(program: Command): void {
  const ca = program.command('ca').description('make and keep the authority that certificates come from')
  addExitCodes(ca, 'portcullis ca create --name acme')
  addCaCreate(ca)
  addCaShow(ca)
  addCaCrl(ca)
  addCaServer(ca)
  addCaRenew(ca)
  addCaRotate(ca)
  addCaSignIssuing(ca)
}
