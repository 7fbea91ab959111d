/** `portcullis enroll list`: the tokens of an authority. The tokens themselves are kept nowhere. */
import type { Command } from 'commander'
import type { TokenRecord } from '../../provision/ledger-tokens.ts'
import { addCaOption, type CaOptions, withLedger } from '../ca/open.ts'
import { addExitCodes } from '../help.ts'
import { answer, answerJson, count, say } from '../io.ts'

interface ListOptions extends CaOptions {
  readonly all?: boolean
  readonly json?: boolean
}

export function addEnrollList(enroll: Command): void {
  addExitCodes(
    addCaOption(enroll.command('list').description('list the tokens that can still be used'))
      .option('--all', 'those that are spent, withdrawn or expired too')
      .option('--json', 'answer as JSON')
      .action(list),
    'portcullis enroll list --all',
  )
}

async function list(options: ListOptions): Promise<void> {
  await withLedger(options, async (_, ledger) => {
    const nowMs = Date.now()
    const found = ledger.tokens.all().filter(one => options.all === true || stateOf(one, nowMs) === 'outstanding')
    if (options.json) answerJson(found.map(one => tokenJson(one, nowMs)))
    else for (const one of found) answer(tokenLine(one, nowMs))
    say(count(found.length, 'token'), 'faint')
  })
}

function stateOf({ state, expires }: TokenRecord, nowMs: number): string {
  return state === 'outstanding' && expires.getTime() < nowMs ? 'expired' : state
}

function tokenLine(one: TokenRecord, nowMs: number): string {
  const serial = one.serialHex === undefined ? '' : `  serial ${one.serialHex}`
  return `${one.jti}  ${stateOf(one, nowMs)}  until ${one.expires.toISOString()}  ${one.name}  ${one.identity}${serial}`
}

function tokenJson(one: TokenRecord, nowMs: number): Record<string, unknown> {
  return {
    id: one.jti,
    state: stateOf(one, nowMs),
    name: one.name,
    identity: one.identity,
    expires: one.expires.toISOString(),
    issuedAt: one.issuedAt.toISOString(),
    issuedBy: one.issuedBy,
    endedAt: one.endedAt?.toISOString() ?? null,
    endedBy: one.endedBy ?? null,
    serial: one.serialHex ?? null,
  }
}
