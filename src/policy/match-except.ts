/** Whether a certificate is one that `except:` of an identity names (docs/semantics.md 1.4). Pure. */
import { flawOf, type Outcome, poisoned, told } from './match-outcome.ts'
import type { FieldConditions, FieldTable } from './model.ts'
import { fitsLiterals } from './pattern.ts'

/**
 * `match`: it is excepted. Poisoned where that is left open: two values of a field that `except:` names, or a value of a
 * string type that another reader might read as the excepted one.
 */
export function matchExcept(conditions: FieldConditions, table: FieldTable): Outcome {
  let open: Outcome | undefined
  let differs: Outcome | undefined
  for (const { field, anyOf } of conditions) {
    const values = table.values.get(field) ?? []
    if (values.length > 1 && !field.startsWith('san.'))
      return poisoned(`${told(field, values)}, and \`except:\` names it`)
    if (values.some(value => anyOf.some(pattern => fitsLiterals(pattern, value.text)))) continue
    const flaw = values.map(value => flawOf(field, value)).find(found => found !== undefined)
    if (flaw === undefined) differs = { kind: 'no-match', why: () => told(field, values) }
    else open = poisoned(`${flaw}, and \`except:\` names it`)
  }
  return differs ?? open ?? { kind: 'match', captures: new Map() }
}
