/** The rows of `device issue --batch`: a CSV table of devices, each planned as a single one would be. */
import type { IdentityRule } from '../../policy/model.ts'
import { type CsvTable, readCsv } from '../../policy/read-csv.ts'
import { Report } from '../../policy/report.ts'
import { formatWhere, type Problem, problem, type Where } from '../../problem.ts'
import type { OpenCa } from '../../provision/ca-folder.ts'
import { wantedIdentity } from '../../provision/identity-names.ts'
import type { BatchRow } from '../../provision/issue-batch.ts'
import { createKeys } from '../../provision/keys.ts'
import { planDevice } from '../../provision/plan-device.ts'
import type { PolicyContext } from './context.ts'

export interface BatchTable {
  readonly text: string
  /** As it is named to people. */
  readonly file: string
}

export interface BatchWish extends PolicyContext {
  readonly kind: string | undefined
  /** Captures that all rows have. */
  readonly given: ReadonlyMap<string, string>
  /** The column that names the files; undefined: the one capture of `unique:`, or the only one. */
  readonly nameColumn: string | undefined
  readonly days: number
}

export interface BatchPlan {
  readonly rows: readonly BatchRow[]
  readonly problems: readonly Problem[]
  /** Columns that say nothing about certificates, such as those of a members table. */
  readonly ignored: readonly string[]
}

/** Every row is planned, and every mistake found, before anything is issued. */
export function planBatch(ca: OpenCa, table: BatchTable, wish: BatchWish): BatchPlan {
  const report = new Report()
  const csv = readCsv(table.text, table.file, report)
  const columns = csv && columnsOf(csv, table.file, wish, report)
  if (csv === undefined || columns === undefined) return { rows: [], problems: report.sorted(), ignored: [] }
  const rows: BatchRow[] = []
  const holders = new Map<string, string>()
  const { publicKey } = createKeys()
  for (const { cells, where } of csv.rows) {
    const cellOf = (column: string): string => cells[csv.header.indexOf(column)] ?? ''
    const given = new Map([...wish.given, ...columns.captures.map(name => [name, cellOf(name)] as const)])
    const name = cellOf(columns.name)
    given.delete(columns.name)
    const identity = wantedIdentity(wish.set, { name, kind: wish.kind, given })
    const plan = identity.ok ? planDevice(ca, { ...wish, identity: identity.value, name, publicKey }) : identity
    if (!plan.ok) {
      report.take(placed(plan.problem, where))
      continue
    }
    const place = formatWhere(where)
    const holds = [`file ${name}`, ...plan.value.holds.filter(hold => !hold.startsWith('key '))]
    const twice = holds.find(hold => holders.has(hold))
    if (twice !== undefined) {
      const sentence = `${name} has ${twice.replace(' ', ' `')}\` in common with ${holders.get(twice)}`
      report.add('provision/taken', sentence, where, 'take one of the two rows out, or tell them apart')
      continue
    }
    for (const hold of holds) holders.set(hold, place)
    const { entitlement: _, ...kept } = plan.value
    rows.push({ plan: kept, place })
  }
  return { rows, problems: report.sorted(), ignored: columns.ignored }
}

/** A refusal of the policy points at the policy; in a batch the row matters more. */
function placed({ code, sentence, where, help }: Problem, row: Where): Problem {
  const more = where === undefined ? '' : ` (${formatWhere(where)})`
  return problem(code, `${sentence}${more}`, { where: row, help })
}

interface Columns {
  readonly name: string
  readonly captures: readonly string[]
  readonly ignored: readonly string[]
}

function columnsOf({ header }: CsvTable, file: string, wish: BatchWish, report: Report): Columns | undefined {
  const where = { file, line: 1 }
  const rule = ruleOf(wish)
  if (rule === undefined) {
    // tells which identities there are
    const unknown = wantedIdentity(wish.set, { name: '', kind: wish.kind, given: new Map() })
    if (!unknown.ok) report.take(unknown.problem, where)
    return undefined
  }
  const name = wish.nameColumn ?? (rule.unique.length === 1 ? rule.unique[0] : onlyOf(rule.captures))
  const missing = rule.captures.filter(capture => !header.includes(capture) && !wish.given.has(capture))
  const twice = rule.captures.filter(capture => header.includes(capture) && wish.given.has(capture))
  if (name === undefined || !rule.captures.includes(name)) {
    const sentence = `which of ${rule.captures.join(', ')} names the files of a device is not known`
    report.add('provision/bad-captures', sentence, where, 'say it with --name COLUMN')
  } else if (missing.length > 0 || !header.includes(name)) {
    const [first = name] = missing
    report.add(
      'provision/bad-captures',
      `the table has no column \`${first}\`, and ${rule.name} is named by ${rule.captures.join(', ')}`,
      where,
      `add the column, or give all rows the same with --set ${first}=VALUE`,
    )
  } else if (twice.length > 0) {
    const sentence = `\`${twice[0]}\` is a column and given with --set too`
    report.add('provision/bad-captures', sentence, where, 'leave one of the two out')
  } else {
    const captures = rule.captures.filter(capture => header.includes(capture))
    return { name, captures, ignored: header.filter(column => !captures.includes(column)) }
  }
  return undefined
}

function ruleOf({ set, kind }: BatchWish): IdentityRule | undefined {
  const kinds = [...set.identities.keys()]
  return set.identities.get(kind ?? (kinds.length === 1 ? (kinds[0] as string) : 'device'))
}

function onlyOf<T>(list: readonly T[]): T | undefined {
  return list.length === 1 ? list[0] : undefined
}
