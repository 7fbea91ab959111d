/** Messages: publishes at every QoS, and deliveries, live and retained. */
import type { AdapterCase } from './adapter.ts'

export const messageCases: readonly AdapterCase[] = []
