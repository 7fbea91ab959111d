/** Roles and variables of an identity, with what members tables add or take. */
import { describe, expect, test } from 'vitest'
import { rightsHolderOf } from '../../src/policy/rights-holder.ts'
import { must, problemOf, setOf } from '../support/policy-set.ts'

const yaml = `constants: { command: [start, stop], plant: acme }
identities:
  device:
    from: { subject.ou: "\${site}", subject.cn: "\${device}" }
    except: { subject.ou: staff }
    set: { vendor: abb }
    unique: [device]
    clientId: "\${device}"
    roles: [sensor]
    mayAlsoHave: [gateway]
  staff:
    from: { subject.ou: staff, san.uri: "urn:acme:staff:\${name}" }
    clientId: "\${name}/+"
    membersOnly: true
    mayAlsoHave: [operator, auditor]
roles:
  sensor: { allow: [{ publish: "a/\${site}/\${device}/\${vendor}/\${plant}/\${command}" }] }
  gateway: { allow: [{ publish: "b/\${children}/\${line}" }] }
  operator: { allow: [{ subscribe: "a/\${sites}/#" }] }
  auditor: { allow: [{ subscribe: "a/#" }] }
members:
  fleet: { of: device, by: [device], lists: [children], file: fleet.csv }
  people:
    of: staff
    by: [name]
    lists: [sites]
    rows:
      - { name: ops-1, roles: [operator], sites: [s1, s2] }
      - { name: idle-1, roles: [], sites: [] }
      - { name: gone-1, roles: [operator], sites: [s1], refused: left in May }
`
const csv = 'device,roles,children,line,refused\nline-1,gateway,pump-7;pump-8,l1,\nlost-1,,,l0,stolen in transit\n'
const everyone = '  everyone: { deny: [{ publish: "x/#" }] }\n'
const set = setOf(yaml, { 'fleet.csv': csv })

const device = (name: string, site = 's1') => ({
  kind: 'device',
  captures: new Map([
    ['site', site],
    ['device', name],
  ]),
})
const staff = (name: string) => ({ kind: 'staff', captures: new Map([['name', name]]) })

describe('roles', () => {
  test('of the identity, of the row', () => {
    expect(must(rightsHolderOf(set, device('pump-7'))).roles).toEqual(['sensor'])
    expect(must(rightsHolderOf(set, device('line-1'))).roles).toEqual(['sensor', 'gateway'])
    expect(must(rightsHolderOf(set, staff('ops-1'))).roles).toEqual(['operator'])
    expect(must(rightsHolderOf(set, staff('idle-1'))).roles).toEqual([])
  })

  test('and everyone, where the policy has that role', () => {
    const more = setOf(yaml.replace('members:\n', `${everyone}members:\n`), { 'fleet.csv': csv })
    expect(must(rightsHolderOf(more, device('line-1'))).roles).toEqual(['sensor', 'gateway', 'everyone'])
    expect(must(rightsHolderOf(more, staff('idle-1'))).roles).toEqual(['everyone'])
  })
})

describe('variables', () => {
  test('captures, `set:`, constants and columns', () => {
    const { identity, variables } = must(rightsHolderOf(set, device('line-1')))
    expect(identity).toEqual(device('line-1'))
    expect(Object.fromEntries(variables)).toEqual({
      command: ['start', 'stop'],
      plant: ['acme'],
      vendor: ['abb'],
      site: ['s1'],
      device: ['line-1'],
      children: ['pump-7', 'pump-8'],
      line: ['l1'],
    })
  })

  test('a column has no value for whom the table has no row', () => {
    const { variables } = must(rightsHolderOf(set, device('pump-7')))
    expect(variables.get('children')).toEqual([])
    expect(variables.get('line')).toEqual([])
    expect(variables.has('sites')).toBe(false)
  })

  test('an empty list is no value', () => {
    expect(must(rightsHolderOf(set, staff('ops-1'))).variables.get('sites')).toEqual(['s1', 's2'])
    expect(must(rightsHolderOf(set, staff('idle-1'))).variables.get('sites')).toEqual([])
  })

  test('a row is meant on every site, since `unique` says that the device is one', () => {
    expect(must(rightsHolderOf(set, device('line-1', 's2'))).roles).toContain('gateway')
  })
})

describe('refused', () => {
  test('a row shuts its member out, with the reason and the place', () => {
    const lost = problemOf(rightsHolderOf(set, device('lost-1')))
    expect(lost).toMatchObject({ code: 'bind/member-refused', where: { file: 'fleet.csv', line: 3 } })
    expect(lost.sentence).toBe('members shuts this device out: stolen in transit')
    const gone = problemOf(rightsHolderOf(set, staff('gone-1')))
    expect(gone).toMatchObject({ code: 'bind/member-refused', where: { file: 'plant.yaml' } })
    expect(gone.sentence).toBe('members shuts this staff out: left in May')
  })

  test('membersOnly: nobody without a row, and only the very name counts', () => {
    for (const name of ['ops-2', 'Ops-1', 'ops-1 ', 'ops', 'constructor', '__proto__']) {
      const found = problemOf(rightsHolderOf(set, staff(name)))
      expect(found).toMatchObject({ code: 'bind/not-a-member', where: { file: 'plant.yaml' } })
      expect(found.help).toContain('add a row')
    }
  })

  test('membersOnly: a row of another identity does not count', () => {
    expect(problemOf(rightsHolderOf(set, staff('line-1'))).code).toBe('bind/not-a-member')
  })

  test('an identity that the policy does not have', () => {
    expect(problemOf(rightsHolderOf(set, { kind: 'ghost', captures: new Map() })).code).toBe('authenticate/no-identity')
  })
})

test('of several tables, each adds to its member, and one refusal is enough', () => {
  const two = setOf(`identities:
  d: { from: { subject.ou: "\${s}", subject.cn: "\${d}" }, clientId: "\${s}/\${d}", mayAlsoHave: [a, b] }
roles:
  a: { allow: [{ publish: "a/\${x}" }] }
  b: { allow: [{ publish: "b/\${y}" }] }
members:
  one: { of: d, by: [s, d], rows: [{ s: s1, d: p, roles: [a], x: "1" }, { s: s1, d: q, roles: [a], x: "1" }] }
  two: { of: d, by: [s, d], rows: [{ s: s1, d: p, roles: [b], y: "2" }, { s: s1, d: q, roles: [], y: "2", refused: no }] }
`)
  const d = (s: string, name: string) => ({
    kind: 'd',
    captures: new Map([
      ['s', s],
      ['d', name],
    ]),
  })
  const both = must(rightsHolderOf(two, d('s1', 'p')))
  expect(both.roles).toEqual(['a', 'b'])
  expect([both.variables.get('x'), both.variables.get('y')]).toEqual([['1'], ['2']])
  expect(must(rightsHolderOf(two, d('s2', 'p'))).roles).toEqual([])
  expect(problemOf(rightsHolderOf(two, d('s1', 'q'))).code).toBe('bind/member-refused')
})
