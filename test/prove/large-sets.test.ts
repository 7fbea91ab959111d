/** Work that grows with the rules and not with their square: counted in steps, since time depends on the machine. */
import { describe, expect, test } from 'vitest'
import type { PolicySet } from '../../src/policy/model.ts'
import { diffPolicies } from '../../src/prove/diff/diff-policies.ts'
import { lintPolicy } from '../../src/prove/lint/lint-policy.ts'
import { whoCan } from '../../src/prove/who-can.ts'
import { setOf } from '../support/policy-set.ts'

/** 1,000 rules by default: allow and deny in turn, each deny of something beside its allow. */
function large({ roles, rules = 1000, last = 'state' }: { roles: number; rules?: number; last?: string }): PolicySet {
  const names = Array.from({ length: roles }, (_, index) => `r${index}`)
  const bodies = names.map((name, role) => {
    const units = Array.from({ length: rules / roles / 2 }, (_, index) => `u${role}-${index}`)
    const allow = units.map(unit => `      - publish: "plant/\${site}/\${device}/${unit}/#"\n`)
    const deny = units.map(unit => `      - publish: "plant/+/+/${unit}/secret"\n`)
    const more = role === 0 ? `      - publish: "plant/\${site}/\${device}/${last}"\n` : ''
    return `  ${name}:\n    allow:\n${allow.join('')}${more}    deny:\n${deny.join('')}`
  })
  return setOf(`identities:
  device:
    from: { subject.ou: "\${site}", subject.cn: "\${device}" }
    clientId: "\${site}/\${device}"
    roles: [r0]
    mayAlsoHave: [${names.slice(1).join(', ')}]
roles:
${bodies.join('')}`)
}

describe.each([1, 50])('1,000 rules in %i roles', roles => {
  const set = large({ roles })

  test('are looked through for warnings in some tens of steps for each rule', () => {
    expect(lintPolicy(set, 60_000).warnings).toEqual([])
  })

  test('answer who can do something in any of their topics', () => {
    const found = whoCan(set, 'publish', '#', 60_000)
    expect(found.ok && found.value.length).toBe(501)
  })

  test('are compared with a set that differs in one of them', () => {
    const found = diffPolicies(set, large({ roles, last: 'status' }), 1_500_000)
    expect(found.ok && found.value.gains.map(({ filter }) => filter)).toEqual(['plant/${site}/${device}/status'])
    expect(found.ok && found.value.losses.map(({ filter }) => filter)).toEqual(['plant/${site}/${device}/state'])
  })
})

test('a table of five thousand devices, named as fresh values would be, costs a rule nothing', () => {
  const rows = Array.from({ length: 5_000 }, (_, index) => `      - { device: device-${index + 1}, also: x }\n`)
  const rules = Array.from({ length: 500 }, (_, index) => `      - publish: "a/\${device}/u${index}"\n`)
  const set = setOf(`identities:
  device: { from: { subject.cn: "\${device}" }, clientId: "\${device}", roles: [r] }
roles:
  r:
    allow:
${rules.join('')}members:
  fleet:
    of: device
    by: [device]
    rows:
${rows.join('')}`)
  expect(lintPolicy(set, 20_000).warnings).toEqual([])
  const found = whoCan(set, 'publish', 'a/+/u7', 20_000)
  expect(found.ok && found.value.map(({ example }) => example.topic)).toEqual(['a/device-5001/u7'])
})
