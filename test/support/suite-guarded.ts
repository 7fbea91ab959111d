/** The guarded aedes as the conformance suite sees it. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BrokerUnderTest, RunningBroker } from '../suites/adapter.ts'
import { startPlant } from './plant.ts'
import { RawClient } from './raw-client.ts'
import { SuiteCerts } from './suite-certs.ts'

export const guardedAedes: BrokerUnderTest = {
  name: 'guarded aedes',
  lacks: {},
  start: async ({ policy = (yaml: string) => yaml, limits = {} } = {}): Promise<RunningBroker> => {
    const plant = await startPlant({ edit: policy, limits })
    const certs = new SuiteCerts(join(plant.folder, 'certs-dev'))
    const open: RunningBroker['open'] = async (name, options) =>
      RawClient.open(plant.port, await certs.credentials(name), options)
    return {
      open,
      connect: async (name, clientId = name, connect = {}) =>
        RawClient.connect(plant.port, await certs.credentials(name), clientId, connect),
      changePolicy: async change => {
        const file = join(plant.policies, 'plant.yaml')
        const before = plant.gate.policy.revision
        await writeFile(file, change(await readFile(file, 'utf8')))
        await plant.gate.reload()
        if (plant.gate.policy.revision === before) throw new Error('the changed policy was not taken over')
      },
      revoke: async name => {
        await certs.revoke(name)
        await plant.gate.reloadRevocations()
      },
      assignHooks: async kind => {
        const stumble = (): void => {
          if (kind === 'throwing') throw new Error('a mistake in a hook')
        }
        plant.broker.authenticate = (_client, _username, _password, done) => done(null, true)
        plant.broker.authorizePublish = (_client, _packet, done) => {
          stumble()
          done(null)
        }
        plant.broker.authorizeSubscribe = (_client, subscription, done) => {
          stumble()
          done(null, subscription)
        }
        plant.broker.authorizeForward = (_client, packet) => {
          stumble()
          return packet
        }
      },
      // it runs in this process: what ends it ends the test
      crashed: new Promise(() => undefined),
      close: plant.close,
    }
  },
}
