import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { loadPolicySet } from '../../src/policy/load.ts'
import { type Linted, lintPolicy } from '../../src/prove/lint/lint-policy.ts'
import { setOf } from '../support/policy-set.ts'

const device =
  'device: { from: { subject.ou: "${site}", subject.cn: "${name}" }, clientId: "${site}/${name}", roles: [r] }'

/** Warnings of a set with these rules in its one role, as `code: sentence`. */
function warningsOf(rules: string, identities = device, more = ''): readonly string[] {
  return told(lintPolicy(setOf(`identities:\n  ${identities}\nroles:\n  r: { ${rules} }\n${more}`)))
}

function told({ warnings }: Linted): readonly string[] {
  return warnings.map(({ code, sentence }) => `${code}: ${sentence}`)
}

describe('policy check warns of', () => {
  test('an allow that denies take all of', () => {
    expect(
      warningsOf(
        'allow: [ { publish: "a/${site}/x" } ], deny: [ { publish: "a/+/x", retain: true }, { publish: "a/#", retain: false } ]',
      ),
    ).toEqual(['policy/dead-rule: `a/${site}/x` allows nothing: denies take all of it'])
  })

  test('and not of one that is left something, retained or not', () => {
    expect(warningsOf('allow: [ { publish: "a/${site}/x" } ], deny: [ { publish: "a/+/x", retain: true } ]')).toEqual(
      [],
    )
  })

  test('a deny that takes nothing: eaten by a typing error', () => {
    expect(
      warningsOf('allow: [ { publish: "a/${site}/#" } ], deny: [ { publish: "a/+/secrets/#" }, { publish: "b/#" } ]'),
    ).toEqual(['policy/idle-deny: the deny of `b/#` takes nothing from anybody'])
  })

  test('a deny of what is sent, beside a right to publish only', () => {
    expect(warningsOf('allow: [ { publish: "a/${site}" } ], deny: [ { receive: "a/+" } ]')).toEqual([
      'policy/idle-deny: the deny of `a/+` takes nothing from anybody',
    ])
  })

  test('a filter that begins with a wildcard', () => {
    expect(warningsOf('allow: [ { subscribe: "+/${site}/x" } ]')).toEqual([
      'policy/broad-filter: `+/${site}/x` begins with a wildcard: it reaches every other use of the broker',
    ])
  })

  test('a right to publish that all devices share', () => {
    expect(warningsOf('allow: [ { publish: plant/log } ]')).toEqual([
      'policy/shared-right: every device may publish `plant/log`: one can speak as another',
    ])
  })

  test('a role that nobody has', () => {
    expect(warningsOf('allow: [ { publish: "a/${site}" } ]', device, '  s: { allow: [ { publish: b } ] }')).toEqual([
      'policy/unheld-role: no identity has the role `s` or may be given it',
    ])
  })

  test('two identities that one certificate can be, with that certificate', () => {
    const other = `${device}\n  staff: { from: { subject.ou: staff, subject.cn: "\${name}" }, clientId: "people/a/\${name}", roles: [r], set: { site: x } }`
    expect(warningsOf('allow: [ { publish: "a/${site}" } ]', other)).toEqual([
      'policy/overlapping-identities: a certificate with subject.ou=staff, subject.cn=a is both device and staff, and would be refused',
    ])
    expect(
      warningsOf(
        'allow: [ { publish: "a/${site}" } ]',
        other.replace('clientId: "${site}/', 'except: { subject.ou: staff }, clientId: "${site}/'),
      ),
    ).toEqual([])
  })
})

test('what is meant is accepted with a reason, and an acceptance that is not needed is told', () => {
  const set = setOf(`identities:
  ${device}
roles:
  r:
    allow:
      - { publish: plant/log, accept: { shared-right: one log for all } }
      - { publish: "a/\${site}", accept: { dead-rule: not any more } }
`)
  const linted = lintPolicy(set)
  expect(linted.accepted).toEqual(['shared-right at plant.yaml:7:20 is accepted: one log for all'])
  expect(told(linted)).toEqual(['policy/needless-accept: there is no dead-rule here to accept'])
})

test('a set that is too large to be looked through says so, and at which rule it was given up', () => {
  const set = setOf(`identities:\n  ${device}\nroles:\n  r: { allow: [ { publish: "a/\${site}" } ] }\n`)
  expect(lintPolicy(set, 0).warnings).toMatchObject([{ code: 'policy/too-complex', where: { line: 5 } }])
})

test('the sample plant has no warning but those that it accepts', () => {
  const folder = new URL('../../policies/', import.meta.url)
  const files = readdirSync(folder).map(name => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))
  const { set } = loadPolicySet(files)
  expect(set === undefined ? ['it does not load'] : told(lintPolicy(set))).toEqual([])
})
