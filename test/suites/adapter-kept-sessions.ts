/** Kept sessions: owners, queues, and what comes back. */
import type { AdapterCase } from './adapter.ts'

export const keptSessionCases: readonly AdapterCase[] = []
