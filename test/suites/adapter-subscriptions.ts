/** Subscriptions: what is granted, stored and left alone. */
import type { AdapterCase } from './adapter.ts'

export const subscriptionCases: readonly AdapterCase[] = []
