/** Wills: sent or not, by each kind of end. */
import type { AdapterCase } from './adapter.ts'

export const willCases: readonly AdapterCase[] = []
