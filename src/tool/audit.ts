/** `portcullis audit`: what is wrong with a fleet, from its ledger, CA, policies, decision logs and sessions; for cron. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { shellQuote } from '../policy/shell-quote.ts'
import { type AuditLevel, auditLevels } from '../prove/audit/audit-checks.ts'
import { type Audit, auditFleet } from '../prove/audit/audit-fleet.ts'
import type { AuditedAuthority } from '../prove/audit/evidence.ts'
import { GrantUse } from '../prove/audit/grant-use.ts'
import { loadPolicyFolder } from '../source/folder.ts'
import { type AuditContext, auditJson, auditLines } from './audit/audit-text.ts'
import { gatherAuthority, type Under } from './audit/gather-authority.ts'
import { type GatheredLog, gatherLog } from './audit/gather-log.ts'
import { readSessions } from './audit/read-sessions.ts'
import { withLedger } from './ca/open.ts'
import { issuerNamesOf, issuerOfCa, issuerOptionsOf } from './configured-issuers.ts'
import { exitCodes } from './exit-codes.ts'
import { addExitCodes } from './help.ts'
import { answer, answerJson } from './io.ts'

interface AuditOptions {
  readonly ca?: string
  readonly policies?: string
  readonly config?: string
  readonly log?: readonly string[]
  readonly sessions?: string
  /** Days. */
  readonly within: number
  readonly failOn: AuditLevel | 'nothing'
  readonly json?: boolean
}

const dayMs = 86_400_000

export function addAudit(program: Command): void {
  const command = program
    .command('audit')
    .description('look for what is wrong with a fleet; what is not named is not looked at, and the answer says so')
    .option('--ca <dir>', 'the folder of the authority: certificates, CRLs and ledger')
    .option('--policies <dir>', 'the policy folder')
    .option('--config <file>', 'the configuration: its issuers, with what each may say (`only:`)')
    .option('--log <files...>', 'JSON decision logs (`portcullis serve --log FILE`), or - for standard input')
    .option('--sessions <file>', 'what `portcullis session list --json` wrote, or - for standard input')
    .option('--within <days>', 'what ends within so many days is told', parseWithin, 30)
    .addOption(
      new Option('--fail-on <level>', 'end with exit code 2 from this level on')
        .choices([...auditLevels, 'nothing'])
        .default('high'),
    )
    .option('--json', 'answer as JSON')
    .action((options: AuditOptions) => audit(options, command))
  addExitCodes(command, 'portcullis audit --ca ca --policies policies --log decisions.log --within 30d')
}

function parseWithin(text: string): number {
  const [, days] = /^(\d{1,5})d?$/.exec(text) ?? []
  if (days === undefined) throw new InvalidArgumentError('Write a number of days, such as 30d.')
  return Number(days)
}

async function audit(options: AuditOptions, command: Command): Promise<void> {
  const { ca, log, sessions } = options
  if (ca === undefined && log === undefined && sessions === undefined)
    command.error('error: nothing to look at: name at least one of --ca, --log and --sessions')
  if ([...(log ?? []), sessions].filter(path => path === '-').length > 1)
    command.error('error: standard input can be one of them only')
  const { audited, context } = await look(options, Date.now())
  if (options.json) answerJson(auditJson(audited, context))
  else for (const { text, tone } of auditLines(audited, context)) answer(text, tone)
  if (hasFailed(audited, options.failOn)) process.exitCode = exitCodes.no
}

async function look(
  options: AuditOptions,
  now: number,
): Promise<{ readonly audited: Audit; readonly context: AuditContext }> {
  const under = options.policies === undefined ? undefined : await policyOf(options.policies, options)
  const authority = await authorityOf(options, under, now)
  const use = under && new GrantUse(under.set)
  const gathered = options.log === undefined ? undefined : await gatherLog(options.log, use)
  const sessions = options.sessions === undefined ? undefined : await readSessions(options.sessions)
  const audited = auditFleet({
    now,
    within: options.within * dayMs,
    ...(authority === undefined ? {} : { authority }),
    ...(use === undefined ? {} : { unusedGrants: use.unused() }),
    ...(gathered === undefined ? {} : { log: gathered.facts }),
    ...(sessions === undefined ? {} : { sessions }),
    options: { ca: optionText('ca', options.ca), policies: optionText('policies', options.policies) },
  })
  return { audited, context: { log: gathered?.facts, notes: brokenNotes(gathered) } }
}

/** As the commands of findings have it; nothing where it is what they take anyway. */
function optionText(name: 'ca' | 'policies', folder: string | undefined): string {
  return folder === undefined || folder === name ? '' : ` ${shellQuote(`--${name}=${folder}`)}`
}

async function policyOf(folder: string, { config }: AuditOptions): Promise<Omit<Under, 'issuerOf'>> {
  // failing tests do not keep anybody from asking what is wrong
  const { set } = await loadPolicyFolder(folder, { ...(await issuerOptionsOf(config)), runTests: false })
  return { set }
}

async function authorityOf(
  { ca: folder, config }: AuditOptions,
  under: Omit<Under, 'issuerOf'> | undefined,
  now: number,
): Promise<AuditedAuthority | undefined> {
  if (folder === undefined) return undefined
  const issuers = await issuerNamesOf(config)
  const isOnlyIssuer = config === undefined ? undefined : issuers?.length === 1
  return withLedger({ ca: folder }, async (ca, ledger) => {
    // a configuration that does not know the authority says nothing of its devices
    if (config !== undefined) await issuerOfCa(config, ca.issuerKeyId)
    const asItself = { name: ca.name, only: new Map<string, readonly string[]>() }
    const issuerOf: Under['issuerOf'] = keyId =>
      config === undefined ? Promise.resolve(asItself) : issuerOfCa(config, keyId)
    const gathered = await gatherAuthority(ca, ledger, under && { ...under, issuerOf }, now)
    return { ...gathered, isOnlyIssuer }
  })
}

function brokenNotes(gathered: GatheredLog | undefined): readonly string[] {
  return (gathered?.broken ?? []).map(
    ({ file, count }) => `log: ${count} of the lines of ${file} are none of a decision log`,
  )
}

function hasFailed({ findings }: Audit, failOn: AuditOptions['failOn']): boolean {
  if (failOn === 'nothing') return false
  const least = auditLevels.indexOf(failOn)
  return findings.some(({ level }) => auditLevels.indexOf(level) <= least)
}
