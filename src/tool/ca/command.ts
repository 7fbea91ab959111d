/** `portcullis ca`: the authority that devices and brokers get their certificates from. */
import type { Command } from 'commander'
import { addExitCodes } from '../help.ts'
import { addCaCreate } from './create.ts'
import { addCaCrl } from './crl.ts'
import { addCaServer } from './server.ts'
import { addCaShow } from './show.ts'

export function addCa(program: Command): void {
  const ca = program.command('ca').description('make and keep the authority that certificates come from')
  addExitCodes(ca, 'portcullis ca create --name acme')
  addCaCreate(ca)
  addCaShow(ca)
  addCaCrl(ca)
  addCaServer(ca)
}
