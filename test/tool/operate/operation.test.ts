/** Readiness from before the broker listens until it stops, and the listener that may be left out. */
import { expect, test } from 'vitest'
import { operateLines } from '../../../src/tool/operate/operate-lines.ts'
import { openOperation } from '../../../src/tool/operate/operation.ts'
import type { RunningBroker } from '../../../src/tool/start-guarded.ts'
import { startPlant } from '../../support/plant.ts'

test('is not ready before the broker listens, and not once it stops; others add checks of their own', async () => {
  const plant = await startPlant()
  const operation = await openOperation({ host: '127.0.0.1', port: 0 })
  try {
    const readyz = async () => {
      const response = await fetch(`http://127.0.0.1:${operation.address?.port}/readyz`)
      return `${response.status} ${await response.text()}`
    }
    expect(await readyz()).toBe('503 broker: enforce/not-listening: the broker does not listen yet\n')
    operation.watch({ gate: plant.gate, listener: plant.listener } as unknown as RunningBroker, () => undefined)
    expect(await readyz()).toBe('200 ready\n')
    operation.drain()
    expect(await readyz()).toBe('503 broker: enforce/draining: the broker is stopping\n')
  } finally {
    await operation.close()
    await plant.close()
  }
})

test('without a port nothing listens, and nothing is said of it', async () => {
  const operation = await openOperation({ host: '127.0.0.1', port: undefined })
  expect(operation.address).toBe(undefined)
  expect(operateLines(operation)).toEqual([])
  operation.trace({ event: 'reloaded', refused: 0 })
  await operation.close()
})

test('the line names the address as a URL does', () => {
  expect(operateLines({ address: { address: '::1', port: 9464, family: 'IPv6' } })).toEqual([
    'operate  http://[::1]:9464  /healthz /readyz /metrics',
  ])
})
