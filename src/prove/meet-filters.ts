/** The intersection of two filters whose levels may be unknown values: one filter, under what must then be equal. Pure. */
import type { Bindings } from './bindings.ts'
import type { SymbolicLevel } from './variable.ts'

const isWildcard = (level: SymbolicLevel | undefined): boolean => level === '+' || level === '#'
/** Values never begin with `$`. */
const isReserved = (level: SymbolicLevel | undefined): boolean => typeof level === 'string' && level.startsWith('$')

/**
 * L(a) ∩ L(b) as one filter, most general: whatever values make the two meet, they obey the bindings. Undefined where none do.
 * @example meetFilters(['plant', site, '#'], ['plant', 's1', '+'], bindings) // ['plant', 's1', '+'], and site is s1
 */
export function meetFilters(
  a: readonly SymbolicLevel[],
  b: readonly SymbolicLevel[],
  bindings: Bindings,
): readonly SymbolicLevel[] | undefined {
  if ((isWildcard(a[0]) && isReserved(b[0])) || (isWildcard(b[0]) && isReserved(a[0]))) return undefined
  const joint: SymbolicLevel[] = []
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const [x, y] = [a[index], b[index]]
    // `#` takes whatever the other says from here on, and nothing more where that has ended (its parent level)
    if (x === '#') return [...joint, ...b.slice(index)]
    if (y === '#') return [...joint, ...a.slice(index)]
    if (x === undefined || y === undefined) return undefined
    if (x !== '+' && y !== '+' && !bindings.equate(x, y)) return undefined
    joint.push(x === '+' ? y : x)
  }
  return joint
}
