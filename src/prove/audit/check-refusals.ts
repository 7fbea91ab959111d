/** Who was refused most, and rules that nobody used. */

import { placeOf } from '../../decide/determining.ts'
import { shellQuote } from '../../policy/shell-quote.ts'
import { formatWhere } from '../../problem.ts'
import type { AuditCode } from './audit-checks.ts'
import { type Evidence, timeText } from './evidence.ts'
import { type Finding, finding } from './finding.ts'

export const manyRefusals = 100
export const manyNobody = 20
const shownMost = 10

interface Top {
  readonly code: AuditCode
  readonly counts: ReadonlyMap<string, number>
  readonly least: number
  readonly tell: (name: string, count: number) => Pick<Finding, 'sentence' | 'next'>
}

/** By count, then by name: the order of the log does not show. */
function top({ code, counts, least, tell }: Top): readonly Finding[] {
  return [...counts]
    .filter(([, count]) => count >= least)
    .sort(([a, few], [b, many]) => many - few || (a < b ? -1 : 1))
    .slice(0, shownMost)
    .map(([subject, count]) => finding(code, { subject, ...tell(subject, count) }))
}

function ofLog({ log }: Evidence): readonly Finding[] {
  if (log === undefined) return []
  const span = `from ${timeText(log.from)} to ${timeText(log.to)}`
  return [
    ...top({
      ...{ code: 'many-refusals', counts: log.refused, least: manyRefusals },
      tell: (who, count) => ({
        sentence: `it was refused ${count} times ${span}`,
        next: `grep -F ${shellQuote(who)} LOG shows what it tried; each line ends with the command that explains it`,
      }),
    }),
    ...top({
      ...{ code: 'nobody-refused', counts: log.nobody, least: manyNobody },
      tell: (address, count) => ({
        sentence: `${count} connections were refused before anybody was known ${span}`,
        next: `grep -F ${shellQuote(address)} LOG shows why; block the address where nothing of yours is there`,
      }),
    }),
  ]
}

function ofGrants({ unusedGrants = [], log }: Evidence): readonly Finding[] {
  if (log === undefined || log.permits === 0) return []
  return unusedGrants.map(grant => {
    const { rule, template } = grant
    return finding('unused-grant', {
      subject: formatWhere(placeOf(grant)),
      sentence: `nothing from ${timeText(log.from)} to ${timeText(log.to)} used: allow ${rule.action} ${template.text} (role ${rule.role})`,
      next: 'take it away where nobody needs it, and look first at what that changes: portcullis policy diff',
    })
  })
}

export function checkRefusals(evidence: Evidence): readonly Finding[] {
  return [...ofLog(evidence), ...ofGrants(evidence)]
}
