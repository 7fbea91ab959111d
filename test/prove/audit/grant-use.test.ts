/** Which rules the permits of a log use, under the set as it is now. */
import { expect, test } from 'vitest'
import type { LoggedDecision } from '../../../src/observe/read-log.ts'
import { GrantUse } from '../../../src/prove/audit/grant-use.ts'
import { setOf } from '../../support/policy-set.ts'

const set = setOf(`
identities:
  device: { from: { subject.cn: "\${device}" }, clientId: "\${device}", roles: [sensor] }
roles:
  sensor:
    allow:
      - publish: ["plant/\${device}/state", "plant/\${device}/alarm"]
      - publish: plant/\${device}/#
        maxQos: 0
      - subscribe: plant/\${device}/command/#
      - subscribe: plant/all/#
        share: [workers]
    deny:
      - publish: plant/\${device}/secret
  nobody:
    allow: [{ publish: plant/spare }]
`)

function permit(
  verb: LoggedDecision['action']['verb'],
  topic: string,
  more: Partial<LoggedDecision> = {},
): LoggedDecision {
  return {
    ...{ line: 1, time: '', effect: 'permit', identity: 'device', address: '' },
    captures: new Map([['device', 'pump-7']]),
    action: { verb, topic, qos: 0, retain: false, payloadBytes: 0 },
    ...more,
  }
}

function unusedAfter(...decisions: readonly LoggedDecision[]): readonly string[] {
  const use = new GrantUse(set)
  for (const one of decisions) use.add(one)
  return use.unused().map(({ template }) => template.text)
}

const [state, alarm, all, command, spare] = [
  ...[
    'plant/${device}/state',
    'plant/${device}/alarm',
    'plant/${device}/#',
    'plant/${device}/command/#',
    'plant/spare',
  ],
]

test('without a permit all of them, but for denies and shared subscriptions', () => {
  expect(unusedAfter()).toEqual([state, alarm, all, command, spare])
})

test('every rule that permits what was done is used, each filter for itself', () => {
  expect(unusedAfter(permit('publish', 'plant/pump-7/state'))).toEqual([alarm, command, spare])
  expect(unusedAfter(permit('will', 'plant/pump-7/alarm'))).toEqual([state, command, spare])
  expect(unusedAfter(permit('receive', 'plant/pump-7/command/go'))).toEqual([state, alarm, all, spare])
  expect(unusedAfter(permit('subscribe', 'plant/pump-7/command/#'))).toEqual([state, alarm, all, spare])
})

test('what the set would not permit now, or of nobody that it knows, uses nothing', () => {
  const nothing = [state, alarm, all, command, spare]
  expect(unusedAfter(permit('publish', 'plant/pump-8/state'))).toEqual(nothing)
  expect(unusedAfter(permit('publish', 'plant/pump-7/secret'))).toEqual(nothing)
  expect(unusedAfter(permit('publish', 'plant/pump-7/state', { identity: 'gone' }))).toEqual(nothing)
  expect(unusedAfter(permit('publish', 'plant/pump-7/state', { captures: new Map() }))).toEqual(nothing)
  expect(unusedAfter(permit('publish', 'plant/pump-7/state', { effect: 'refuse' }))).toEqual(nothing)
  expect(unusedAfter(permit('connect', 'pump-7'))).toEqual(nothing)
})
