/** A captured value that is not known: which values it can have. Claims and diffs hold for all of them. Pure. */
import { isSafeValue, type SafeAlphabet, type ValueKind, valueKinds } from '../policy/safe-value.ts'

/** Equal only to itself: two people of one identity have two variables for one capture. */
export interface Variable {
  readonly name: string
  readonly kind: ValueKind
  readonly alphabet: SafeAlphabet
  /** Values that `except:` takes away. */
  readonly excluded: ReadonlySet<string>
  /** All that the issuer may say here (`only:`); undefined: any value of the kind. */
  readonly only: readonly string[] | undefined
}

/** One level of a filter: a literal, `+`, `#`, or a captured value. */
export type SymbolicLevel = string | Variable

/** Whether the variable can have this value. */
export function admits(variable: Variable, value: string): boolean {
  if (variable.excluded.has(value) || variable.only?.includes(value) === false) return false
  return isSafeValue(value, variable.alphabet, variable.kind)
}

/** A variable of the values that both can have; a text where that is one, undefined where it is none. */
export function meetVariables(a: Variable, b: Variable): Variable | string | undefined {
  const kind = valueKinds.indexOf(a.kind) >= valueKinds.indexOf(b.kind) ? a.kind : b.kind
  const finite = a.only ?? b.only
  const only = finite?.filter(value => admits(a, value) && admits(b, value))
  if (only !== undefined && only.length < 2) return only[0]
  return { name: a.name, kind, alphabet: a.alphabet, excluded: new Set([...a.excluded, ...b.excluded]), only }
}

/** A value that is not among those taken; undefined where there is none (`only:` leaves few). */
export function freshValue(variable: Variable, taken: ReadonlySet<string>): string | undefined {
  if (variable.only !== undefined) return variable.only.find(value => admits(variable, value) && !taken.has(value))
  const prefix = { safe: `${variable.name}-`, alnum: variable.name.replace(/[^a-z0-9]/gi, ''), hex: 'f', digits: '9' }
  for (let count = 1; ; count += 1) {
    const value = `${prefix[variable.kind]}${count}`
    if (!taken.has(value) && admits(variable, value)) return value
  }
}
