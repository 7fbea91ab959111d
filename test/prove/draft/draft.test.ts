/** A policy drafted from traffic: what it has, what it leaves to a person, and that it grants nothing that was not done. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ask } from '../../../src/decide/ask.ts'
import { type LoggedDecision, readLogLine } from '../../../src/observe/read-log.ts'
import { levelText } from '../../../src/policy/filter-template.ts'
import { loadPolicySet } from '../../../src/policy/load.ts'
import { type Draft, draftPolicy } from '../../../src/prove/draft/draft-policy.ts'
import { Traffic } from '../../../src/prove/draft/traffic.ts'

const plant = {
  name: 'plant.yaml',
  text: `portcullis: 1
identities:
  device: { from: { subject.ou: "\${site}", subject.cn: "\${device}" }, clientId: "\${site}/\${device}", unique: [device], roles: [] }
`,
}

interface Did {
  readonly who?: readonly [site: string, device: string]
  readonly action?: 'publish' | 'subscribe'
  readonly topic: string
  readonly qos?: number
  readonly retain?: boolean
  readonly event?: 'permitted' | 'would-refuse' | 'refused'
  readonly narrowed?: true
}

/** Through the form that the log has. */
function logged({
  who = ['s1', 'p1'],
  action = 'publish',
  topic,
  qos = 0,
  retain = false,
  event = 'would-refuse',
  narrowed,
}: Did) {
  const [site, device] = who
  const line = {
    ...{ time: '2026-11-28T00:00:00.000Z', device: `device:site=${site},device=${device}`, address: '192.0.2.1' },
    ...{ clientId: `${site}/${device}`, action, topic, qos, retain, payloadBytes: 3, revision: '00000000', event },
    ...(narrowed === undefined ? {} : { narrowed }),
    ...(event === 'permitted' ? {} : { code: 'decide/no-rule', reason: 'no rule' }),
  }
  const entry = readLogLine(JSON.stringify(line), 1)
  if (!entry.ok || entry.value.kind !== 'decision') throw new Error(`not a decision: ${JSON.stringify(line)}`)
  return entry.value.decision
}

function trafficOf(decisions: readonly LoggedDecision[]): Traffic {
  const traffic = new Traffic()
  for (const decision of decisions) traffic.add(decision)
  return traffic
}

function draftOf(...done: readonly Did[]): Draft {
  const draft = draftPolicy([plant], trafficOf(done.map(logged)))
  if (!draft.ok) throw new Error(`${draft.problem.code}: ${draft.problem.sentence}`)
  return draft.value
}

/** The drafted role under its identity, as the person is told to put it. */
function setOf(draft: Draft) {
  const text = plant.text.replace('roles: []', 'roles: [device-drafted]')
  const { set, problems } = loadPolicySet([
    { name: 'plant.yaml', text },
    { name: 'drafted.yaml', text: draft.roles },
    { name: 'drafted.test.yaml', text: draft.tests },
  ])
  expect(problems).toEqual([])
  return set as NonNullable<typeof set>
}

const filters = (draft: Draft): readonly string[] =>
  draft.rules.map(rule => `${rule.action} ${rule.levels.map(levelText).join('/')}`)
const leftOut = (draft: Draft): readonly string[] => draft.leftOut.map(({ reason }) => reason)

describe('a draft', () => {
  test('has variables where devices used their own values, with the conditions that were seen', () => {
    const draft = draftOf(
      { topic: 'plant/s1/p1/temp', qos: 1 },
      { who: ['s2', 'p2'], topic: 'plant/s2/p2/temp' },
      { topic: 'plant/s1/p1/state', retain: true, event: 'permitted' },
    )
    expect(filters(draft)).toEqual(['publish plant/${site}/${device}/state', 'publish plant/${site}/${device}/temp'])
    expect(draft.roles).toContain(
      '"plant/${site}/${device}/temp"\n        maxQos: 1\n        retain: false\n        maxPayloadBytes: 64',
    )
    expect(draft.roles).toContain('"plant/${site}/${device}/state"\n        maxQos: 0\n        retain: true')
    expect(draft.tests).toContain('cannot:\n      - publish: "plant/s2/p2/temp"')
    setOf(draft)
  })

  test('has + where one device used more than five values below its own level, and never above it', () => {
    const jobs = Array.from({ length: 6 }, (_, job) => [{ topic: `plant/p1/${job}/done` }, { topic: `jobs/${job}/p1` }])
    const draft = draftOf(...jobs.flat())
    expect(filters(draft)).toContain('publish plant/${device}/+/done')
    expect(filters(draft).filter(filter => filter.startsWith('publish jobs/'))).toHaveLength(6)
    expect(filters(draftOf(...jobs.flat().slice(0, 10)))).not.toContain('publish plant/${device}/+/done')
  })

  test('leaves to a person what reaches other devices, or everything', () => {
    const draft = draftOf(
      { topic: 'plant/s1/p1/temp' },
      { who: ['s1', 'p2'], topic: 'plant/s1/p1/temp' },
      { action: 'subscribe', topic: 'plant/#' },
      { action: 'subscribe', topic: 'plant/+/p1/#' },
      { topic: '$SYS/x' },
    )
    expect([...leftOut(draft)].sort()).toEqual(['broad', 'broad', 'other-device', 'unwritable'])
    expect(filters(draft)).toEqual(['publish plant/${site}/${device}/temp'])
  })

  const identityOf = (site: string, device: string) => ({
    kind: 'device',
    captures: new Map(Object.entries({ site, device })),
  })
  const can = (draft: Draft, who: ReturnType<typeof identityOf>, verb: 'publish' | 'subscribe', topic: string) =>
    ask(setOf(draft), who, { verb, topic, qos: 0, retain: false, payloadBytes: 1 }).effect

  test('does not guess which of two equal values was meant', () => {
    const draft = draftOf({ who: ['a', 'a'], topic: 'plant/a/temp' }, { topic: 'plant/p1/x' })
    expect(leftOut(draft)).toEqual(['ambiguous'])
    expect(can(draft, identityOf('a', 'p2'), 'publish', 'plant/a/temp')).toBe('refuse')
  })

  test('takes no wildcard below what devices share', () => {
    const draft = draftOf({ action: 'subscribe', topic: 'plant/s1/+/temp' }, { topic: 'plant/s1/p1/x' })
    expect(leftOut(draft)).toEqual(['broad'])
    expect(can(draft, identityOf('s1', 'p1'), 'subscribe', 'plant/s1/+/temp')).toBe('refuse')
  })

  test('makes no + of names below what devices share: they may be devices that were never seen', () => {
    const draft = draftOf(...Array.from({ length: 6 }, (_, index) => ({ topic: `plant/s1/q${index}/set` })))
    expect(can(draft, identityOf('s1', 'p1'), 'publish', 'plant/s1/p9/set')).toBe('refuse')
  })

  test('does not draft the whole of a subscription that was narrowed', () => {
    const cut = { action: 'subscribe', topic: 'cmd/p1/#', event: 'permitted', narrowed: true } as const
    expect(leftOut(draftOf(cut, { topic: 'plant/p1/x' }))).toEqual(['broad'])
  })

  test.each(['\u2028', 'a#b', 'x'.repeat(2000)])('leaves one odd level out, and drafts the rest (%#)', level => {
    const draft = draftOf({ topic: `plant/p1/${level}` }, { topic: 'plant/p1/x' })
    expect(leftOut(draft)).toEqual(['unwritable'])
    expect(filters(draft)).toEqual(['publish plant/${device}/x'])
  })

  test.each([
    ['publish', 'cmd/p1/+'],
    ['publish', '$portcullis/p1'],
    ['subscribe', '$share/g/p1/x'],
  ] as const)('leaves out %s %s', (action, topic) => {
    expect(leftOut(draftOf({ action, topic }, { topic: 'plant/p1/x' }))).toEqual(['unwritable'])
  })

  test('grants nothing that was refused', () => {
    const draft = draftOf({ topic: 'plant/p1/a' }, { topic: 'plant/p1/b', event: 'refused' })
    expect(filters(draft)).toEqual(['publish plant/${device}/a'])
  })

  test.each(['${device}', '${x}', 'a"\n  - publish: "#', '*', '{', '\u0000', '\u202e', "'"])(
    'is not injected by the level %j',
    level => {
      const draft = draftOf({ topic: 'plant/p1/a' }, { topic: `plant/p1/${level}/x` })
      const set = setOf(draft)
      const asked = { verb: 'publish', topic: 'plant/p1/p1/x', qos: 0, retain: false, payloadBytes: 1 } as const
      const identity = {
        kind: 'device',
        captures: new Map([
          ['site', 's1'],
          ['device', 'p1'],
        ]),
      }
      expect(ask(set, identity, asked).effect).toBe('refuse')
      expect(set.roles.get('device-drafted')?.rules.length).toBe(draft.rules.length)
    },
  )

  test('says where nothing can be drafted', () => {
    const empty = draftPolicy([plant], new Traffic())
    expect(!empty.ok && empty.problem.code).toBe('tool/nothing-to-draft')
    const broken = draftPolicy([{ name: 'a.yaml', text: 'portcullis: 2' }], trafficOf([logged({ topic: 'a/p1' })]))
    expect(!broken.ok && broken.problem.code).toBe('tool/nothing-to-draft')
  })
})

const people = [
  ['s1', 'p1'],
  ['s1', 'p2'],
  ['s2', 'p3'],
] as const
const anyLevel = fc.constantFrom('own', 'site', 'a', 'b', '', '1')
const anyDid = fc.record({
  person: fc.nat(2),
  levels: fc.array(anyLevel, { minLength: 1, maxLength: 4 }),
  qos: fc.nat(2),
  retain: fc.boolean(),
})

test('permits all that was seen and is drafted, to nobody the topics of others, in whatever order it was seen', () => {
  // a case loads seven policy sets
  fc.assert(
    fc.property(fc.array(anyDid, { minLength: 1, maxLength: 25 }), done => {
      const decisions = done.flatMap(({ person, levels, qos, retain }) => {
        const who = people[person] as (typeof people)[number]
        const topic = levels.map(level => (level === 'own' ? who[1] : level === 'site' ? who[0] : level)).join('/')
        return topic === '' ? [] : [logged({ who, topic, qos, retain })]
      })
      const drafted = draftPolicy([plant], trafficOf(decisions))
      if (!drafted.ok) {
        expect(decisions).toEqual([])
        return
      }
      const draft = drafted.value
      expect(draftPolicy([plant], trafficOf([...decisions].reverse()))).toEqual(drafted)
      expect([draft.unconfirmed, draft.leftOut]).toEqual([[], []])
      const set = setOf(draft)
      for (const { identity, captures, action } of decisions) {
        const asked = { verb: 'publish', topic: action.topic, payloadBytes: 3 } as const
        const facts = { qos: action.qos as 0 | 1 | 2, retain: action.retain === true }
        expect(ask(set, { kind: identity, captures }, { ...asked, ...facts }).effect).toBe('permit')
        if (!action.topic.split('/').includes(captures.get('device') ?? '')) continue
        for (const [site, device] of people) {
          if (device === captures.get('device')) continue
          const other = { kind: identity, captures: new Map(Object.entries({ site, device })) }
          expect(ask(set, other, { ...asked, ...facts }).effect).toBe('refuse')
        }
      }
    }),
    { numRuns: 300, seed: 1 },
  )
})
