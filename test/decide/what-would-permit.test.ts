/** What would have to change: exact in examples, and true in a set that is written anew with the change made. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AskedAction, ask, askedVerbs } from '../../src/decide/ask.ts'
import { nearMisses } from '../../src/decide/near-misses.ts'
import { type Change, whatWouldPermit } from '../../src/decide/what-would-permit.ts'
import { rightsHolderOf } from '../../src/policy/rights-holder.ts'
import { must, setOf } from '../support/policy-set.ts'
import { checkCostlyProperty } from '../support/property.ts'

interface WrittenRule {
  readonly role: 'own' | 'more' | 'other'
  readonly effect: 'allow' | 'deny'
  readonly action: 'publish' | 'subscribe' | 'receive'
  readonly filter: string
  readonly conditions: string
}

interface Written {
  readonly rules: readonly WrittenRule[]
  readonly row:
    | { readonly roles: readonly string[]; readonly kids: readonly string[]; readonly isRefused: boolean }
    | undefined
  readonly isNarrowing: boolean
  readonly isMembersOnly: boolean
}

const identity = { kind: 'device', captures: new Map([['device', 'd']]) }

/** The set as a file; each rule has its line. */
function write({ rules, row, isNarrowing, isMembersOnly }: Written): {
  yaml: string
  lineOf: (rule: WrittenRule) => number
} {
  const lines = [
    'identities:',
    '  device:',
    '    from: { subject.cn: "${device}" }',
    '    clientId: "${device}/+"',
    '    roles: [own]',
    '    mayAlsoHave: [more, other]',
    '    neverTogether: [[more, other]]',
    `    membersOnly: ${isMembersOnly}`,
    'members:',
    '  fleet:',
    '    of: device',
    '    by: [device]',
    '    lists: [kids]',
    '    rows:',
    '      - { device: somebody, roles: [more], kids: [] }',
    ...(row === undefined
      ? []
      : [`      - { device: d, roles: [${row.roles}], kids: [${row.kids}]${row.isRefused ? ', refused: lost' : ''} }`]),
    'settings:',
    `  onBroadSubscribe: ${isNarrowing ? 'narrow' : 'refuse'}`,
    'roles:',
  ]
  const at = new Map<WrittenRule, number>()
  for (const role of ['own', 'more', 'other'] as const) {
    lines.push(`  ${role}:`)
    for (const effect of ['allow', 'deny'] as const) {
      const these = rules.filter(rule => rule.role === role && rule.effect === effect)
      if (these.length > 0 || effect === 'allow') lines.push(`    ${effect}:`)
      if (effect === 'allow') lines.push('      - subscribe: unused')
      for (const rule of these) {
        lines.push(`      - { ${rule.action}: "${rule.filter}"${rule.conditions} }`)
        at.set(rule, lines.length + 1)
      }
    }
  }
  return { yaml: `${lines.join('\n')}\n`, lineOf: rule => at.get(rule) as number }
}

/** The same file with the change made by hand, as an operator would. */
function edit(written: Written, { member, without = [] }: Change): Written {
  const { lineOf } = write(written)
  const gone = new Set(without.map(rule => rule.where.line))
  const { row } = written
  const roles = [...(row?.roles ?? []), ...(member?.role === undefined ? [] : [member.role])]
  const kids = [...(row?.kids ?? []), ...(member?.column === undefined ? [] : [member.column.value])]
  return {
    ...written,
    rules: written.rules.filter(rule => !gone.has(lineOf(rule))),
    row: member === undefined ? row : { roles, kids, isRefused: row?.isRefused === true && member.isLetIn !== true },
  }
}

const level = fc.constantFrom('a', 'b', '+', '${device}', '${kids}')
const filter = fc
  .tuple(fc.array(level, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([levels, isOpen]) => [...levels, ...(isOpen ? ['#'] : [])].join('/'))
const anyRule: fc.Arbitrary<WrittenRule> = fc
  .record({
    role: fc.constantFrom('own', 'own', 'more', 'other'),
    effect: fc.constantFrom('allow', 'allow', 'allow', 'deny'),
    action: fc.constantFrom('publish', 'publish', 'subscribe', 'receive'),
    filter,
    conditions: fc.constantFrom('', '', ', maxQos: 1', ', retain: false', ', retain: true', ', maxPayloadBytes: 5'),
  })
  .map(({ conditions, action, ...rule }) => {
    const effect = action === 'receive' ? ('deny' as const) : rule.effect
    const isFit = action === 'publish' && (effect === 'allow' || conditions.includes('retain'))
    return { ...rule, action, effect, conditions: isFit ? conditions : '' }
  })
const list = fc.subarray(['a', 'k'])
/** A role that a device may have without a row uses no column. */
const isLoaded = ({ rules, isMembersOnly }: Written): boolean =>
  isMembersOnly || rules.every(({ role, filter }) => role !== 'own' || !filter.includes('${kids}'))
const anyWritten: fc.Arbitrary<Written> = fc
  .record({
    rules: fc.array(anyRule, { minLength: 1, maxLength: 6 }),
    row: fc.option(
      fc.record({
        roles: fc.constantFrom([], ['more'], ['other']),
        kids: list,
        isRefused: fc.constantFrom(false, false, false, true),
      }),
      { nil: undefined },
    ),
    isNarrowing: fc.boolean(),
    isMembersOnly: fc.constantFrom(false, false, true),
  })
  .filter(isLoaded)
const topicLevel = fc.constantFrom('a', 'b', 'c', 'd', 'k')
const anyAction: fc.Arbitrary<AskedAction> = fc
  .record({
    verb: fc.constantFrom(...askedVerbs),
    levels: fc.array(topicLevel, { minLength: 1, maxLength: 4 }),
    wild: fc.constantFrom('', '', '+', '#'),
    qos: fc.constantFrom(0, 1, 2),
    retain: fc.boolean(),
    payloadBytes: fc.constantFrom(0, 5, 6),
  })
  .map(({ levels, wild, ...rest }) => ({
    ...rest,
    topic: [...levels, ...(rest.verb === 'subscribe' && wild !== '' ? [wild] : [])].join('/'),
  }))

// every case loads two sets from text
test('each suggested change, made, permits', { timeout: 300_000 }, () => {
  let told = 0
  checkCostlyProperty(
    'whatWouldPermit: each change made in the file permits',
    fc.property(anyWritten, anyAction, (written, action) => {
      const set = setOf(write(written).yaml)
      if (ask(set, identity, action).effect === 'permit') return
      for (const change of whatWouldPermit(set, identity, action)) {
        told += 1
        const isEdited = change.member !== undefined || change.without !== undefined
        const changed = isEdited ? setOf(write(edit(written, change)).yaml) : set
        const { effect } = ask(changed, identity, change.action ?? action)
        expect({ effect, change: change.text }).toEqual({ effect: 'permit', change: change.text })
      }
    }),
  )
  // about one case in four tells a change
  expect(told).toBeGreaterThan(50)
})

const plant = `identities:
  device:
    from: { subject.ou: "\${site}", subject.cn: "\${device}" }
    unique: [device]
    clientId: "\${device}"
    roles: [sensor]
    mayAlsoHave: [gateway]
members:
  fleet:
    of: device
    by: [device]
    lists: [children]
    rows: [{ device: line-1, roles: [gateway], children: [pump-7] }, { device: lost, roles: [], children: [], refused: stolen }]
roles:
  everyone:
    deny: [{ publish: plant/+/+/config/# }]
  sensor:
    allow:
      - { publish: "plant/\${site}/\${device}/telemetry/#", maxQos: 1, retain: false }
      - { publish: "plant/\${site}/\${device}/config/#", maxPayloadBytes: 100 }
      - { subscribe: "plant/\${site}/\${device}/command/+" }
  gateway:
    allow: [{ publish: "plant/\${site}/\${children}/telemetry/#" }]
`
const set = setOf(plant)
const as = (device: string) => ({ kind: 'device', captures: new Map([['site', 's1'], ['device', device]]) }) // biome-ignore format: one line
const asked = (verb: AskedAction['verb'], topic: string, facts: Partial<AskedAction> = {}): AskedAction => ({
  ...{ verb, topic, qos: 0, retain: false, payloadBytes: 0 },
  ...facts,
})

describe('what is suggested', () => {
  test.each<[string, string, AskedAction, readonly string[]]>([
    [
      'another level, or a role and its children',
      'pump-7',
      asked('publish', 'plant/s1/pump-8/telemetry/temp'),
      [
        'level 3 `pump-8` → `pump-7`',
        'the role `gateway` and `pump-8` in the column `children`, in its row of `members` (fleet)',
      ],
    ],
    [
      'a value more in a column',
      'line-1',
      asked('publish', 'plant/s1/pump-8/telemetry/temp'),
      [
        'level 3 `pump-8` → `line-1`',
        'level 3 `pump-8` → `pump-7`',
        '`pump-8` in the column `children`, in its row of `members` (fleet)',
      ],
    ],
    [
      'all conditions together',
      'pump-7',
      asked('will', 'plant/s1/pump-7/telemetry/temp', { qos: 2, retain: true }),
      ['QoS 1 at most, and not retained'],
    ],
    [
      'a deny that has to go',
      'pump-7',
      asked('publish', 'plant/s1/pump-7/config/x'),
      ['without the deny rule plant.yaml:17:14 (role everyone)', 'level 4 `config` → `telemetry`'],
    ],
    [
      'nothing that a deny would keep from helping: its own config',
      'pump-7',
      asked('publish', 'plant/s1/pump-8/config/x'),
      ['level 3 `pump-8` → `pump-7`, and level 4 `config` → `telemetry`'],
    ],
    ['another filter', 'pump-7', asked('subscribe', 'plant/s1/+/command/+'), ['level 3 `+` → `pump-7`']],
    ['a longer filter', 'pump-7', asked('subscribe', 'plant/#'), ['`plant/s1/pump-7/command/+` instead']],
    ['its own client id', 'pump-7', asked('connect', 'pump-8'), ['the client id `pump-7`']],
    ['a row without `refused`', 'lost', asked('connect', 'lost'), ['its row in `members` (fleet) without `refused`']],
    ['nothing for what nobody may have', 'pump-7', asked('publish', '$SYS/x'), []],
  ])('%s', (_, device, action, texts) => {
    const told = whatWouldPermit(set, as(device), action).map(({ text }) => text)
    expect(told.slice(0, texts.length)).toEqual(texts)
    if (texts.length === 0) expect(told).toEqual([])
  })
})

describe('near misses', () => {
  test('own roles first, then those that it may have, each with what fails', () => {
    const action = asked('publish', 'plant/s1/pump-7/telemetry/temp', { qos: 2 })
    const misses = nearMisses(set, must(rightsHolderOf(set, as('pump-7'))), action)
    expect(misses.map(({ filter, isHeld, failed }) => [filter, isHeld, failed])).toEqual([
      ['plant/s1/pump-7/telemetry/#', true, 'the rule allows QoS 1 at most'],
      ['plant/s1/pump-7/config/#', true, 'level 4 is `telemetry`, the rule says `config`'],
      [
        'plant/s1/${children}/telemetry/#',
        false,
        'the role `gateway` is not held; level 3 is `pump-7`, the rule says `${children}`',
      ],
    ])
  })
})
