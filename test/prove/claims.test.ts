import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { loadPolicySet } from '../../src/policy/load.ts'
import type { PolicySet } from '../../src/policy/model.ts'
import { type ClaimOutcome, type ProveOptions, proveClaims } from '../../src/prove/claims/prove-claims.ts'
import { setOf } from '../support/policy-set.ts'

/** The sample plant with other claims, and its policy changed. */
function plant(claims: string, change: (policy: string) => string = text => text): PolicySet {
  const folder = new URL('../../policies/', import.meta.url)
  const files = readdirSync(folder)
    .filter(name => !name.endsWith('.test.yaml'))
    .map(name => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))
    .map(({ name, text }) => ({ name, text: name === 'plant.yaml' ? change(text) : text }))
  const { set, problems } = loadPolicySet([...files, { name: 'c.test.yaml', text: `claims: [ ${claims} ]` }])
  expect(problems).toEqual([])
  return set as PolicySet
}

const only = (set: PolicySet, options?: ProveOptions): ClaimOutcome => proveClaims(set, options)[0] as ClaimOutcome

describe('isolated (6)', () => {
  const bySite = '{ isolated: { identity: device, by: [site] } }'

  test('is proved where the site stands in every topic', () => {
    expect(only(plant(bySite))).toMatchObject({ verdict: 'proved', under: ['device: unique device'] })
  })

  test('a `+` where `${site}` stood: two certificates, a topic, and the rules', () => {
    const set = plant(bySite, text =>
      text.replace('- subscribe: plant/${site}/${device}/', '- subscribe: plant/+/${device}/'),
    )
    expect(only(set)).toMatchObject({ verdict: 'proved' }) // one device has one site, says `unique`
    const wider = plant(bySite, text =>
      text.replace('telemetry/#\n        maxQos: 1', 'telemetry/#\n      - publish: plant/+/log'),
    )
    expect(only(wider).problem).toMatchObject({
      code: 'policy/claim-refuted',
      sentence: expect.stringMatching(
        /^the claim "isolated: device by site" does not hold: device:site=site-1,device=device-1 can publish and device:site=site-2,device=device-2 can publish `plant\/x1\/log`$/,
      ),
      help: expect.stringMatching(/^by plant\.yaml:\d+:\d+$/),
    })
  })

  test('a gateway whose children are of another device', () => {
    const { problem } = only(plant('{ isolated: { identity: device, by: [device] } }'))
    expect(problem?.sentence).toContain('line-1 with gateway')
    expect(problem?.sentence).toContain('plant/site-1/pump-7/telemetry')
  })

  test('what is meant to be shared is excepted', () => {
    const shared = (text: string): string =>
      text
        .replace('roles:\n  # Everybody', 'roles:\n  # Everybody')
        .replace(
          '    deny:\n      - publish: plant/+/+/telemetry/secret/#',
          '      - publish: plant/news\n    deny:\n      - publish: plant/+/+/telemetry/secret/#',
        )
    expect(only(plant(bySite, shared)).verdict).toBe('refuted')
    expect(only(plant('{ isolated: { identity: device, by: [site], except: plant/news } }', shared)).verdict).toBe(
      'proved',
    )
  })
})

describe('noFlow (6)', () => {
  test('an auditor reaches no device, not even through an operator', () => {
    expect(only(plant('{ noFlow: { from: { role: auditor }, to: { identity: device } } }')).verdict).toBe('proved')
  })

  test('a flow is told step by step, and a relay that is meant takes it away', () => {
    const { problem } = only(plant('{ noFlow: { from: { role: sensor }, to: { role: sensor } } }'))
    expect(problem?.sentence).toContain(
      'device:site=s1,device=device-1 can publish and staff:name=ops-1 with operator can be sent `plant/s1/device-1/telemetry`; then staff:name=ops-1 with operator can publish',
    )
    const relayed = '{ noFlow: { from: { role: sensor }, to: { role: sensor }, relays: { role: operator } } }'
    expect(only(plant(relayed)).verdict).toBe('proved')
  })
})

describe('only, never, every (6)', () => {
  test.each([
    ['{ only: { roles: [operator], can: { publish: plant/+/+/command/# } } }', 'proved'],
    ['{ never: { roles: [auditor], can: { receive: plant/+/+/telemetry/secret/# } } }', 'proved'],
    ['{ never: { roles: [operator], can: { subscribe: plant/+/+/telemetry/secret/# } } }', 'refuted-by-one'],
    ['{ every: { identity: device, can: { publish: "plant/${site}/${device}/telemetry/temp" } } }', 'proved'],
    [
      '{ every: { identity: device, can: { publish: "plant/${site}/${device}/telemetry/temp", qos: 2 } } }',
      'refuted-by-one',
    ],
    [
      '{ every: { identity: device, can: { publish: "plant/${site}/${device}/telemetry/temp", retain: true } } }',
      'refuted-by-one',
    ],
    ['{ every: { identity: device, can: { publish: "plant/${site}/${device}/telemetry/#" } } }', 'refuted-by-one'],
  ])('%s', (claim, verdict) => expect(only(plant(claim)).verdict).toBe(verdict))

  test('a deny that covers what all should be able to do is named', () => {
    const { problem } = only(
      plant('{ every: { identity: device, can: { publish: "plant/${site}/${device}/telemetry/#" } } }'),
    )
    expect(problem?.sentence).toContain('role sensor denies `plant/+/+/telemetry/secret/#`')
  })

  test('a deny that misses the parent level shows it', () => {
    const change = (text: string): string =>
      text.replace('receive: plant/+/+/telemetry/secret/#', 'receive: plant/+/+/telemetry/secret/+')
    const { problem } = only(
      plant('{ never: { role: auditor, can: { receive: plant/+/+/telemetry/secret/# } } }', change),
    )
    expect(problem?.sentence).toContain('can be sent `plant/x1/x1/telemetry/secret`')
  })
})

describe('what issuers may say (1.1)', () => {
  const policy = `identities:
  device: { issuer: acme, from: { subject.ou: "\${site}", subject.cn: "\${name}" }, clientId: "\${site}/\${name}", roles: [r] }
roles:
  r: { allow: [ { publish: s1/# }, { publish: s2/# } ] }
`
  const claimed = { 'p.test.yaml': 'claims: [ { every: { identity: device, can: { publish: "${site}/x" } } } ]' }

  test('a claim holds for the values that `only:` leaves', () => {
    const set = setOf(policy, claimed)
    const limits = (values: readonly string[]) => ({ limits: new Map([['acme', new Map([['site', values]])]]) })
    expect(only(set).verdict).toBe('refuted-by-one')
    expect(only(set, limits(['s1', 's2'])).verdict).toBe('proved')
    expect(only(set, limits(['s1', 's2', 's3'])).problem?.sentence).toContain('device:site=s3,')
  })
})

describe('claims that say nothing are failures', () => {
  test.each([
    ['{ never: { identity: staff, role: sensor, can: { publish: "#" } } }', /nobody can be of its class/],
    ['{ never: { identity: device, can: { publish: "$SYS/#" } } }', /under any policy/],
  ])('%s', (claim, why) => {
    expect(only(plant(claim))).toMatchObject({ verdict: 'vacuous', problem: { code: 'policy/claim-vacuous' } })
    expect(only(plant(claim)).problem?.sentence).toMatch(why)
  })
})

describe('a proof that is given up', () => {
  const claim = (assume: string): string => `{ isolated: { identity: device, by: [site] }${assume} }`

  test('is no proof, and the set is not loaded', () => {
    expect(only(plant(claim('')), { steps: 10 })).toMatchObject({
      verdict: 'unproved',
      problem: { code: 'policy/claim-unproved' },
    })
  })

  test('is assumed where the claim gives a reason, and never told as proved', () => {
    const outcome = only(plant(claim(', assume: reviewed by hand')), { steps: 10 })
    expect(outcome.verdict).toBe('assumed')
    expect(outcome.problem).toBeUndefined()
  })

  test('a refuted claim is never assumed', () => {
    const claim = '{ isolated: { identity: device, by: [device] }, assume: reviewed by hand }'
    expect(only(plant(claim)).verdict).toBe('refuted')
  })
})
