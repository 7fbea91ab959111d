/** `portcullis session`: the sessions of a running broker. */
import type { Command } from 'commander'
import { addExitCodes } from '../help.ts'
import { addSessionKick } from './kick.ts'
import { addSessionList } from './list.ts'
import { addSessionShow } from './show.ts'

export function addSession(program: Command): void {
  const session = program.command('session').description('list, show and end the sessions of a running broker')
  addExitCodes(session, 'portcullis session list')
  addSessionList(session)
  addSessionShow(session)
  addSessionKick(session)
}
