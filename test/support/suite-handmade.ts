/** The hand-made broker as the conformance suite sees it. Its rules are in its code, so its policy cannot be changed. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrokerUnderTest, RunningBroker } from '../suites/adapter.ts'
import { devCertsIn } from './dev-certs.ts'
import { startHandmade } from './handmade.ts'
import { RawClient } from './raw-client.ts'
import { SuiteCerts } from './suite-certs.ts'

export const handmadeAedes: BrokerUnderTest = {
  name: 'hand-made aedes',
  // it is measured by what it lets happen: no case is skipped for what it lacks
  lacks: {},
  start: async (): Promise<RunningBroker> => {
    const folder = await mkdtemp(join(tmpdir(), 'portcullis-handmade-'))
    await devCertsIn(folder)
    const certs = new SuiteCerts(folder)
    const broker = await startHandmade(folder)
    return {
      open: async (name, options) => RawClient.open(broker.port, await certs.credentials(name), options),
      connect: async (name, clientId = name, connect = {}) =>
        RawClient.connect(broker.port, await certs.credentials(name), clientId, connect),
      changePolicy: async () => {
        throw new Error('its rules are in its code')
      },
      revoke: certs.revoke.bind(certs),
      assignHooks: broker.assignHooks,
      crashed: broker.crashed,
      close: async () => {
        await broker.close()
        await rm(folder, { recursive: true, force: true })
      },
    }
  },
}
