/** Tests of a policy set: what fails, where, and what the failure says. */
import { describe, expect, test } from 'vitest'
import { runPolicyTests } from '../../src/decide/run-tests.ts'
import type { Problem } from '../../src/problem.ts'
import { setOf } from '../support/policy-set.ts'

const yaml = `identities:
  device:
    issuer: acme
    from: { subject.ou: "\${site}", subject.cn: "\${device}" }
    except: { subject.ou: staff }
    unique: [device]
    clientId: "\${device}"
    roles: [sensor]
  staff:
    from: { subject.ou: staff, san.uri: "urn:acme:staff:\${name}" }
    clientId: "\${name}/+"
    membersOnly: true
    mayAlsoHave: [auditor, watcher]
roles:
  sensor:
    allow:
      - { publish: "plant/\${site}/\${device}/telemetry/#", maxQos: 1, retain: false, maxPayloadBytes: 100 }
      - { subscribe: "plant/\${site}/\${device}/command/#", maxQos: 1 }
    deny:
      - publish: plant/+/+/telemetry/secret/#
  auditor:
    allow: [{ subscribe: "plant/#" }]
  watcher:
    allow:
      - subscribe:
        - "plant/+/x"
        - other
    deny:
      - receive: plant/+/secret
      - { receive: "plant/s1/secret" }
members:
  people: { of: staff, by: [name], rows: [{ name: a-1, roles: [auditor] }, { name: a-3, roles: [auditor, watcher] }, { name: gone-1, roles: [], refused: left }] }
`
const pump = '{ identity: device, site: s1, device: pump-7 }'
const own = 'plant/s1/pump-7'

const outcomesOf = (tests: string) => runPolicyTests(setOf(yaml, { 'plant.test.yaml': `tests:\n${tests}` }))
/** Failures of one test, whose lines after the name are given. */
const failuresOf = (lines: string): readonly Problem[] => {
  const [outcome] = outcomesOf(`  - name: t\n    ${lines.split('\n').join('\n    ')}\n`)
  expect(outcome?.ok).toBe(outcome?.failures.length === 0)
  for (const failure of outcome?.failures ?? []) expect(failure.code).toBe('policy/test-failed')
  return outcome?.failures ?? []
}

test('a set without tests has no outcomes', () => {
  expect(runPolicyTests(setOf(yaml))).toEqual([])
})

test('every test has an outcome, in order', () => {
  const outcomes = outcomesOf(`  - { name: a, as: ${pump}, can: [{ publish: ${own}/telemetry/x }] }
  - { name: b, as: ${pump}, can: [{ publish: plant/s2/x }, { subscribe: "#" }] }
  - { name: c, as: ${pump}, cannot: [{ publish: plant/s2/x }] }`)
  expect(outcomes.map(one => [one.test.name, one.ok, one.failures.length])).toEqual([
    ['a', true, 0],
    ['b', false, 2],
    ['c', true, 0],
  ])
})

describe('what holds', () => {
  test.each([
    `can: [{ publish: ${own}/telemetry/x, qos: 1 }, { will: ${own}/telemetry/x }]`,
    `can: [{ subscribe: "${own}/command/#", qos: 1 }, { receive: ${own}/command/start }]`,
    `can: [{ publish: ${own}/telemetry/x, payloadBytes: 100 }]`,
    `cannot: [{ publish: ${own}/telemetry/x, payloadBytes: 101 }]`,
    `cannot: [{ publish: ${own}/telemetry/x, qos: 2 }, { publish: ${own}/telemetry/x, retain: true }]`,
    `cannot: [{ publish: ${own}/telemetry/secret/k }, { will: ${own}/telemetry/secret/k }]`,
    `cannot: [{ receive: ${own}/telemetry/x }, { receive: plant/s1/pump-8/command/start }]`,
    // a grant at a lower QoS is not what was asked for
    `cannot: [{ subscribe: "${own}/command/#", qos: 2 }, { subscribe: "plant/#" }]`,
  ])('%s', actions => {
    expect(failuresOf(`as: ${pump}\n${actions}`)).toEqual([])
  })

  test.each([
    ['{ issuer: acme, subject.ou: s1, subject.cn: pump-7 }', 'pump-8', 'bind/client-id-mismatch'],
    ['{ subject.ou: s1, subject.cn: pump 7 }', undefined, 'authenticate/poisoned-identity'],
    ['{ subject.ou: s1, subject.cn: [pump-7, pump-8] }', undefined, 'authenticate/poisoned-identity'],
    ['{ issuer: other, subject.ou: s1, subject.cn: pump-7 }', undefined, 'authenticate/no-identity'],
    ['{ subject.ou: staff, subject.cn: pump-7 }', undefined, 'authenticate/no-identity'],
    ['{ identity: staff, name: a-2 }', undefined, 'bind/not-a-member'],
    ['{ identity: staff, name: gone-1 }', undefined, 'bind/member-refused'],
    ['{ identity: staff, name: a-1 }', 'a-1', 'bind/client-id-mismatch'],
    ['{ subject.ou: staff, san.uri: "urn:acme:staff:a-1" }', 'a-2/x', 'bind/client-id-mismatch'],
  ])('%s as %s is refused with %s', (as, clientId, code) => {
    const id = clientId === undefined ? '' : `clientId: ${clientId}\n`
    expect(failuresOf(`as: ${as}\n${id}refused: ${code}`)).toEqual([])
  })
})

describe('can', () => {
  test('says which action, where, and why it is refused', () => {
    expect(
      failuresOf(
        `as: ${pump}\ncan:\n  - { publish: ${own}/telemetry/x }\n  - { publish: plant/s1/pump-8/telemetry/x }`,
      ),
    ).toEqual([
      {
        code: 'policy/test-failed',
        sentence: 'test "t": must be able to publish plant/s1/pump-8/telemetry/x, and cannot',
        where: expect.objectContaining({ file: 'plant.test.yaml', line: 6 }),
        help: expect.stringContaining('plant.yaml:'),
      },
    ])
  })

  test('names the deny that refuses', () => {
    const [found] = failuresOf(`as: ${pump}\ncan: [{ publish: ${own}/telemetry/secret/k }]`)
    expect(found?.help).toBe(
      'may not publish `plant/s1/pump-7/telemetry/secret/k`: role sensor denies `plant/+/+/telemetry/secret/#` (plant.yaml:21:9); deny wins over every allow; narrow the deny, or take another topic',
    )
  })

  test('names every deny that refuses', () => {
    const [found] = failuresOf('as: { identity: staff, name: a-3 }\ncan: [{ receive: plant/s1/secret }]')
    expect(found?.help).toContain(' (plant.yaml:30:9, plant.yaml:31:11); deny wins')
  })

  test('tells the place of the nearest rule once', () => {
    const [found] = failuresOf(`as: ${pump}\ncan: [{ publish: plant/s1/pump-8/telemetry/x }]`)
    expect(found?.help).toBe(
      'no rule allows to publish `plant/s1/pump-8/telemetry/x`; nearest is `plant/s1/pump-7/telemetry/#` (plant.yaml:18:11): level 3 is `pump-8`, the rule says `pump-7`',
    )
  })

  test('a lower QoS is not enough, and the help says which one there is', () => {
    const [found] = failuresOf(`as: ${pump}\ncan: [{ subscribe: "${own}/command/#", qos: 2 }]`)
    expect(found?.sentence).toBe(`test "t": must be able to subscribe ${own}/command/#, and cannot`)
    expect(found?.help).toMatch(/^role sensor allows it at QoS 1 at most \(plant\.yaml:19:/)
  })

  test.each([`{ publish: ${own}/telemetry/x, retain: true }`, `{ publish: ${own}/telemetry/x, payloadBytes: 101 }`])(
    'a condition: %s',
    action => {
      const [found] = failuresOf(`as: ${pump}\ncan: [${action}]`)
      expect(found?.sentence).toMatch(/, and cannot$/)
      expect(found?.help).toContain('(plant.yaml:')
    },
  )
})

describe('cannot', () => {
  test('says which action, where, and which rule allows it', () => {
    const [found, ...others] = failuresOf(`as: ${pump}\ncannot:\n  - { will: ${own}/telemetry/x }\n  - { will: x }`)
    expect(others).toEqual([])
    expect(found).toMatchObject({
      sentence: `test "t": must not be able to will ${own}/telemetry/x, and can`,
      where: { file: 'plant.test.yaml', line: 5 },
    })
    expect(found?.help).toMatch(/^role sensor allows it \(plant\.yaml:18:/)
  })

  test('names every rule that allows it, each at its place', () => {
    const [found] = failuresOf('as: { identity: staff, name: a-3 }\ncannot: [{ subscribe: plant/s1/x }]')
    expect(found?.help).toBe('role auditor allows it (plant.yaml:23:15); role watcher allows it (plant.yaml:27:11)')
  })

  test('every action that fails is told', () => {
    const topics = ['a', 'b', 'c'].map(level => `{ publish: ${own}/telemetry/${level} }`)
    const failures = failuresOf(`as: ${pump}\ncan: [{ publish: x }]\ncannot: [${topics.join(', ')}]`)
    expect(failures.map(one => one.sentence.replace(/^.*(publish|subscribe) /, ''))).toEqual([
      'x, and cannot',
      ...['a', 'b', 'c'].map(level => `${own}/telemetry/${level}, and can`),
    ])
  })
})

describe('refused', () => {
  test('permitted instead', () => {
    expect(failuresOf(`as: ${pump}\nclientId: pump-7\nrefused: bind/client-id-mismatch`)).toEqual([
      {
        code: 'policy/test-failed',
        sentence: 'test "t": connecting must be refused with bind/client-id-mismatch, and is permitted',
        where: expect.objectContaining({ file: 'plant.test.yaml', line: 5 }),
      },
    ])
  })

  test('with another code, and the help is the other sentence', () => {
    const [found] = failuresOf(`as: ${pump}\nclientId: pump-8\nrefused: authenticate/no-identity`)
    expect(found).toMatchObject({
      sentence:
        'test "t": connecting must be refused with authenticate/no-identity, and is with bind/client-id-mismatch',
      where: { file: 'plant.test.yaml', line: 5 },
      help: "the client id `pump-8` is not one of this device's",
    })
  })

  test('although actions were expected: one failure, not one for each action', () => {
    const failures = failuresOf(
      `as: ${pump}\nclientId: pump-8\ncan: [{ publish: x }, { publish: y }]\ncannot: [{ publish: z }]`,
    )
    expect(failures).toEqual([
      {
        code: 'policy/test-failed',
        sentence:
          'test "t": connecting is refused with bind/client-id-mismatch: the client id `pump-8` is not one of this device\'s',
        where: expect.objectContaining({ file: 'plant.test.yaml', line: 2 }),
        help: 'set the client id to pump-7',
      },
    ])
  })

  test('a test that expects only that things cannot be done does not hold for who cannot connect', () => {
    expect(failuresOf('as: { subject.cn: x }\ncannot: [{ publish: z }]')).toHaveLength(1)
  })
})
