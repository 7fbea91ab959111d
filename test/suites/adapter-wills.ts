/** Wills: sent or not, by each kind of end. */
import { expect } from 'vitest'
import type { RawClient } from '../support/raw-client.ts'
import { own, publishOnce, session, subscribeAt, upTo } from './acts.ts'
import type { AdapterCase, RunningBroker } from './adapter.ts'

const will = (payload: string, extra: Record<string, unknown> = {}): Record<string, unknown> => ({
  will: { topic: own, payload: Buffer.from(payload), qos: 0, retain: false, ...extra },
})

/** What an operator sees of pump-7, whose will is set, when it ends as `end` says. */
async function seenWhen(
  broker: RunningBroker,
  end: (pump: RawClient) => Promise<unknown>,
  connect: Record<string, unknown> = {},
): Promise<readonly string[]> {
  const watcher = await session(broker, 'ops-1', 'ops-1/watch')
  await subscribeAt(watcher, 0, 'plant/s1/pump-7/telemetry/#', 'plant/s1/pump-8/telemetry/#')
  const pump = await session(broker, 'pump-7', 'pump-7', { ...will('gone'), ...connect })
  await end(pump)
  await pump.closed
  const logIn = await session(broker, 'pump-7').catch(() => undefined)
  // the next log-in of the same id waits until the last one is over; where it is refused, so is another's
  await logIn?.close()
  await publishOnce(broker, 'pump-8', 'plant/s1/pump-8/telemetry/t', 'marker')
  return upTo(watcher, 'marker')
}

const sent: readonly (readonly [how: string, end: (pump: RawClient) => Promise<unknown>, connect?: object])[] = [
  ['network loss', async pump => pump.socket.destroy()],
  ['a keep-alive that runs out', async () => undefined, { keepalive: 1 }],
  ['a packet that breaks the standard', async pump => pump.write(Buffer.of(0, 0))],
  ['a denied publish', async pump => pump.publish('plant/s1/pump-8/telemetry/t')],
]

export const willCases: readonly AdapterCase[] = [
  ...sent.map(
    ([how, end, connect]): AdapterCase => ({
      name: `a will is sent after ${how}`,
      rules: ['3.7'],
      run: async broker => {
        expect(await seenWhen(broker, end, { ...connect })).toEqual(['gone'])
      },
    }),
  ),
  {
    name: 'a will is sent when the same identity takes over',
    rules: ['2.4', '3.7'],
    run: async broker => {
      const seen = await seenWhen(broker, () => session(broker, 'pump-7'))
      expect(seen).toEqual(['gone'])
    },
  },
  {
    name: 'a will is not sent after DISCONNECT',
    rules: ['3.7'],
    run: async broker => {
      const seen = await seenWhen(broker, async pump => pump.send({ cmd: 'disconnect' } as never))
      expect(seen).toEqual([])
    },
  },
  {
    name: 'a will that its device may not publish refuses the CONNECT: another topic, no topic at all, retain, QoS',
    rules: ['3.7'],
    weaknesses: [15],
    run: async broker => {
      for (const forbidden of [
        { topic: 'plant/s1/pump-8/telemetry/t' },
        { topic: 'plant/s1/pump-7/telemetry/#' },
        { topic: '$SYS/x' },
        { retain: true },
        { qos: 2 },
      ]) {
        const { code } = await broker.connect('pump-7', 'pump-7', will('forbidden', forbidden))
        expect([forbidden, code]).toEqual([forbidden, 5])
      }
    },
  },
  {
    name: 'a will that has become forbidden is not sent',
    rules: ['3.7', '4.1'],
    needs: ['change-policy'],
    run: async broker => {
      const seen = await seenWhen(broker, async pump => {
        await broker.changePolicy(yaml =>
          yaml.replace(
            '      - publish: plant/+/+/telemetry/secret/#',
            '      - publish: plant/+/pump-7/telemetry/temp',
          ),
        )
        pump.socket.destroy()
      })
      expect(seen).toEqual([])
    },
  },
  {
    name: 'a revoked device is closed at once, and its will is not sent',
    rules: ['3.7', '4.2'],
    weaknesses: [15],
    needs: ['revoke'],
    run: async broker => {
      const seen = await seenWhen(broker, () => broker.revoke('pump-7'))
      expect(seen).toEqual([])
    },
  },
  {
    name: 'a device that is nobody any more is closed, and its will is not sent',
    rules: ['3.7', '4.1'],
    needs: ['change-policy'],
    run: async broker => {
      const seen = await seenWhen(broker, () =>
        broker.changePolicy(yaml =>
          yaml.replace('except: { subject.ou: staff }', 'except: [{ subject.ou: staff }, { subject.cn: pump-7 }]'),
        ),
      )
      expect(seen).toEqual([])
    },
  },
]
