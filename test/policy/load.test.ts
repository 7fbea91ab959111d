/** Loading a whole set: the sample, eleven mistakes at once, several files, and that no text whatever makes the loader throw. */
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { runPolicyTests } from '../../src/decide/run-tests.ts'
import { policyJsonSchema } from '../../src/policy/json-schema.ts'
import { loadPolicySet } from '../../src/policy/load.ts'
import { formatProblem, formatWhere } from '../../src/problem.ts'
import { checkCostlyProperty, checkProperty } from '../support/property.ts'
import { withMembers, withTop } from './load-marked.ts'

const folder = new URL('../../policies/', import.meta.url)
const sample = readdirSync(folder).map(name => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))

describe('the sample set', () => {
  const { set, problems, notes } = loadPolicySet(sample, { folder: 'policies', issuers: ['acme'] })

  it('loads without a word', () => {
    expect(problems.map(formatProblem)).toEqual([])
    expect(notes).toEqual([])
    expect(set?.files).toEqual(['fleet.csv', 'plant.test.yaml', 'plant.yaml'])
  })

  it('says what the language page says', () => {
    const device = set?.identities.get('device')
    expect(device).toMatchObject({
      issuer: 'acme',
      captures: ['site', 'device'],
      unique: ['device'],
      roles: ['sensor'],
      mayAlsoHave: ['gateway'],
      maxSessions: 1,
      membersOnly: false,
      clientIdUnique: 'proved',
    })
    expect(set?.identities.get('staff')).toMatchObject({
      maxSessions: 8,
      membersOnly: true,
      neverTogether: [['operator', 'auditor']],
    })
    expect(set?.constants.get('command')).toEqual(['start', 'stop', 'setpoint'])
    const [publish, subscribe, secret] = set?.roles.get('sensor')?.rules ?? []
    expect(publish).toMatchObject({
      effect: 'allow',
      action: 'publish',
      maxQos: 1,
      retain: false,
      filters: [{ text: 'plant/${site}/${device}/telemetry/#' }],
    })
    expect(publish?.where).toMatchObject({ file: 'policies/plant.yaml', column: 9 })
    expect(subscribe).toMatchObject({ effect: 'allow', action: 'subscribe' })
    expect(secret).toMatchObject({ effect: 'deny', action: 'publish' })
    const [fleet, people] = set?.members ?? []
    expect(fleet).toMatchObject({ of: 'device', by: ['device'], columns: new Map([['children', 'list']]) })
    expect(fleet?.rows.get('line-1')).toMatchObject({
      roles: ['gateway'],
      where: { file: 'policies/fleet.csv', line: 2 },
    })
    expect(people?.rows.get('ops-1')?.attributes.get('sites')).toEqual(['s1', 's2'])
    expect(people?.rows.get('audit-1')?.attributes.get('sites')).toEqual([])
    expect(set?.settings).toMatchObject({
      onDeniedPublish: 'disconnect',
      onBroadSubscribe: 'refuse',
      onTakeover: 'replace',
    })
  })

  it('passes its own tests', () => {
    const outcomes = set === undefined ? [] : runPolicyTests(set)
    expect(outcomes.length).toBeGreaterThanOrEqual(20)
    expect(outcomes.filter(outcome => !outcome.ok)).toEqual([])
  })

  it('notes that issuer names were not checked without a configuration', () => {
    expect(loadPolicySet(sample).notes).toEqual(['issuer names were not checked: no configuration'])
  })
})

it('reports eleven mistakes of a set in one run, by file and line', () => {
  const files = [
    {
      name: 'b.yaml',
      text: `portcullis: 1
identities:
  device:
    from: { subject.cn: "\${device}" }
    clientId: "\${device}"
    roles: [sensr]
    maxSession: 2
roles:
  sensor:
    allow:
      - subscrbe: plant/#
      - publish: plant/line #1/temp
      - publish: plant/\${sit}/x
    deny:
      - receive: a/#/b
      - publish: secret
        maxQos: 1
members:
  fleet: { of: devise, by: [device], rows: [] }
settings: { onTakeover: never }
`,
    },
    { name: 'a.yaml', text: 'portcullis: 2\n' },
    { name: 'old.yml', text: '' },
  ]
  const { problems } = loadPolicySet(files, { folder: 'policies' })
  expect(problems.map(found => `${formatWhere(found.where ?? { file: '' })} ${found.code}`)).toEqual([
    'policies/a.yaml:1:13 policy/version',
    'policies/b.yaml:6:13 policy/unknown-role',
    'policies/b.yaml:7:5 policy/unknown-key',
    'policies/b.yaml:11:9 policy/unknown-key',
    'policies/b.yaml:12:29 policy/comment-trap',
    'policies/b.yaml:13:9 policy/unknown-variable',
    'policies/b.yaml:15:18 policy/illegal-filter',
    'policies/b.yaml:17:9 policy/condition-not-applicable',
    'policies/b.yaml:19:16 policy/unknown-identity',
    'policies/b.yaml:20:25 policy/bad-value',
    'policies/old.yml policy/unexpected-file',
  ])
  expect(problems.every(found => found.help !== undefined)).toBe(true)
})

it('does not call names undefined that stand in a file which cannot be read', () => {
  const broken = { name: 'roles.yaml', text: 'portcullis: 1\nroles: [\n' }
  const files = [{ name: 'a.yaml', text: withTop('').replace('roles: [sensor]', 'roles: [sensor, gateway]') }, broken]
  expect(loadPolicySet(files).problems.map(found => found.where?.file)).toEqual(['roles.yaml'])
})

it('merges files: what one defines, another may use', () => {
  const [head = '', roles = ''] = withTop('').split('roles:\n  sensor')
  const files = [
    { name: 'a.yaml', text: head },
    { name: 'b.yaml', text: `portcullis: 1\nroles:\n  sensor${roles}` },
  ]
  expect(loadPolicySet(files).problems.map(formatProblem)).toEqual([])
})

it('lets nothing that a file says steer a terminal', () => {
  const { problems } = loadPolicySet([{ name: 'a.yaml', text: withTop('settings: { onTakeover: "\\e[31m\\u202e" }') }])
  expect(problems[0]?.sentence).toContain('\\u001b[31m\\u202e')
})

it('has the JSON Schema that schema/policy.schema.json holds', () => {
  const stored = JSON.parse(readFileSync(new URL('../../schema/policy.schema.json', import.meta.url), 'utf8'))
  expect(stored, 'run `npm run build && node scripts/write-schema.mjs`').toEqual(policyJsonSchema())
})

it('has a JSON Schema that takes the sample as an editor reads it, and tells a slip', () => {
  const schema = z.fromJSONSchema(policyJsonSchema() as Parameters<typeof z.fromJSONSchema>[0])
  for (const { name, text } of sample.filter(file => file.name.endsWith('.yaml'))) {
    expect(schema.safeParse(parse(text)).error, name).toBeUndefined()
  }
  expect(schema.safeParse({ portcullis: 1, roles: { a: { allow: [{ subscrbe: 'a' }] } } }).success).toBe(false)
  expect(schema.safeParse({ portcullis: 1, constants: { a: 1, b: [true, 'x'] } }).success).toBe(true)
})

describe('whatever the text', () => {
  const small = [withTop(''), withMembers('fleet: { of: device, by: [device], lists: [children], file: f.csv }')]
  const tests = 'tests:\n  - name: t\n    as: { identity: device, site: s1, device: a }\n    can: [{ publish: a }]\n'
  const scraps = [
    '',
    '\n',
    ' ',
    ':',
    ': ',
    '#',
    ' #',
    '- ',
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    '${',
    '&a',
    '*a',
    '!t',
    '|',
    '>',
    '%',
    '@',
    '\t',
    '---\n',
    '...',
    '<<',
    '__proto__',
    'constructor',
    '~',
    'null',
    '\uFFFD',
    '\u0000',
    '\uD800',
    '?',
    ',',
    ';',
    '${a}',
  ]
  const edit = fc.record({
    at: fc.nat(700),
    cut: fc.nat(12),
    put: fc.oneof(fc.constantFrom(...scraps), fc.string({ maxLength: 4 })),
  })
  const mutate = (text: string, edits: readonly { at: number; cut: number; put: string }[]) =>
    edits.reduce(
      (now, { at, cut, put }) => now.slice(0, at % (now.length + 1)) + put + now.slice((at % (now.length + 1)) + cut),
      text,
    )

  it('never throws, and gives a set or a problem', () => {
    const edits = fc.array(edit, { maxLength: 3 })
    checkCostlyProperty(
      'loadPolicySet never throws',
      fc.property(fc.nat(1), edits, edits, edits, (which, inPolicy, inTests, inTable) => {
        const { set, problems } = loadPolicySet([
          { name: 'a.yaml', text: mutate(small[which] ?? '', inPolicy) },
          { name: 'a.test.yaml', text: mutate(tests, inTests) },
          ...(which === 1 ? [{ name: 'f.csv', text: mutate('device,roles,children\na,gateway,b;c\n', inTable) }] : []),
        ])
        expect(set === undefined).toBe(problems.length > 0)
      }),
    )
  }, 60_000)

  it('never throws on a text of any kind', () => {
    checkProperty(
      'loadPolicySet never throws on any text',
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), text => {
        loadPolicySet([
          { name: 'a.yaml', text },
          { name: 'a.test.yaml', text },
          { name: 'a.csv', text },
        ])
      }),
    )
  }, 60_000)
})
