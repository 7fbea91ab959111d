/** Robustness: whatever a peer sends, the others go on. */
import type { AdapterCase } from './adapter.ts'

export const robustnessCases: readonly AdapterCase[] = []
