/** A scene of the demonstration: one honest or hostile act, what must be seen, and how to see it. */
import { once } from 'node:events'
import type { RawClient } from './raw-client.ts'
import type { World } from './world.ts'

export interface Scene {
  readonly name: string
  readonly expected: string
  readonly run: (world: World) => Promise<string>
}

/** Longest wait for something that may never come; whatever must come is waited for by its event. */
export const patienceMs = 2500

/** What the promise gives, or `otherwise` when patience is over. */
export async function within<T>(promise: Promise<T>, otherwise: string): Promise<T | string> {
  const controller = new AbortController()
  const timer = new Promise<string>(resolve => {
    const timeout = setTimeout(() => resolve(otherwise), patienceMs)
    once(controller.signal, 'abort').then(() => clearTimeout(timeout))
  })
  try {
    return await Promise.race([promise, timer])
  } finally {
    controller.abort()
  }
}

/** `connected`, or `refused` by CONNACK, alert or close alike; how it is refused is the tests' to check. */
export async function tellConnect(attempt: Promise<{ client: RawClient; code: number | 'closed' }>): Promise<string> {
  const result = await within(
    attempt.catch(() => undefined),
    'refused',
  )
  if (typeof result !== 'object' || result.code !== 0) return 'refused'
  await result.client.close()
  return 'connected'
}

/** The payload of the next message; messages of the broker's own are passed over. */
export async function nextPayload(client: RawClient): Promise<string> {
  const told = await within(client.next(), 'nothing')
  if (typeof told === 'string') return told
  return told?.cmd === 'publish' ? String(told.payload) : 'closed'
}
