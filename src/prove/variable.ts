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

/** By names in use and a prefix, the first number that makes a new name: a fleet is named `pump-1`, `pump-2`, and on. */
const firstNew = new WeakMap<ReadonlySet<string>, Map<string, number>>()

/** A value that is neither in use (a set that stays as it is) nor taken; undefined where there is none (`only:` leaves few). */
export function freshValue(
  variable: Variable,
  named: ReadonlySet<string>,
  taken: ReadonlySet<string>,
): string | undefined {
  const isNew = (value: string): boolean => !named.has(value) && !taken.has(value) && admits(variable, value)
  if (variable.only !== undefined) return variable.only.find(isNew)
  const prefixes = { safe: `${variable.name}-`, alnum: variable.name.replace(/[^a-z0-9]/gi, ''), hex: 'f', digits: '9' }
  const prefix = prefixes[variable.kind]
  const known = firstNew.get(named) ?? new Map<string, number>()
  firstNew.set(named, known)
  let count = known.get(prefix) ?? 1
  while (named.has(`${prefix}${count}`)) count += 1
  known.set(prefix, count)
  while (!isNew(`${prefix}${count}`)) count += 1
  return `${prefix}${count}`
}
