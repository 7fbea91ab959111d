/** Twelve mistakes that reviewers overlook, seeded into the sample plant: what catches each, and with which counterexample. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { runPolicyTests } from '../../src/decide/run-tests.ts'
import { loadPolicySet } from '../../src/policy/load.ts'
import type { PolicySet } from '../../src/policy/model.ts'
import type { Problem } from '../../src/problem.ts'
import { proveClaims } from '../../src/prove/claims/prove-claims.ts'
import { diffPolicies } from '../../src/prove/diff/diff-policies.ts'
import { lintPolicy } from '../../src/prove/lint/lint-policy.ts'
import { must } from '../support/policy-set.ts'

const folder = new URL('../../policies/', import.meta.url)
const sample = readdirSync(folder).map(name => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))

/** The sample with one text replaced by another; fails where there is nothing to replace. */
function changed(from: string, to: string) {
  const plant = sample.find(({ name }) => name === 'plant.yaml')?.text ?? ''
  expect(plant).toContain(from)
  return sample.map(file => (file.name === 'plant.yaml' ? { ...file, text: plant.replace(from, () => to) } : file))
}

interface Catches {
  readonly load: readonly string[]
  readonly test: readonly string[]
  readonly prove: readonly string[]
  readonly check: readonly string[]
  readonly diff: readonly string[]
}

const lines = (problems: readonly Problem[]): readonly string[] =>
  problems.map(({ code, sentence, help }) => `${code}: ${sentence}${help === undefined ? '' : ` (help: ${help})`}`)

function catches(files: readonly { name: string; text: string }[]): Catches {
  const before = loadPolicySet(sample).set as PolicySet
  const { set, problems } = loadPolicySet(files)
  if (set === undefined) return { load: lines(problems), test: [], prove: [], check: [], diff: [] }
  const { gains, definitions } = must(diffPolicies(before, set))
  return {
    load: [],
    test: lines(runPolicyTests(set).flatMap(({ failures }) => failures)),
    prove: lines(proveClaims(set).flatMap(({ problem }) => problem ?? [])),
    check: lines(lintPolicy(set).warnings),
    diff: [
      ...gains.map(one => `${one.identity} ${one.action} ${one.filter} ${one.condition} ${one.topic}`),
      ...definitions.map(({ effect, sentence }) => `${effect} ${sentence}`),
    ],
  }
}

const mistakes: readonly (readonly [string, string, string, keyof Catches, RegExp])[] = [
  [
    'a `+` where `${site}` stood',
    '- plant/${site}/${children}/telemetry/#',
    '- plant/+/${children}/telemetry/#',
    'prove',
    /isolated: device by site" does not hold: .*device=line-1 with gateway/,
  ],
  [
    'a `+` where `${device}` stood',
    'publish: plant/${site}/${device}/telemetry/#',
    'publish: plant/${site}/+/telemetry/#',
    'test',
    /must not be able to publish plant\/s1\/pump-8\/telemetry\/temp, and can \(help: role sensor allows it/,
  ],
  [
    'a deny that misses the parent level',
    'receive: plant/+/+/telemetry/secret/#',
    'receive: plant/+/+/telemetry/secret/+',
    'prove',
    /with auditor can be sent `plant\/x1\/x1\/telemetry\/secret`/,
  ],
  [
    'a `$share` in a filter',
    'subscribe: "plant/#"',
    'subscribe: "$share/g/plant/#"',
    'load',
    /policy\/illegal-filter.*share: \[group\]/,
  ],
  [
    'a role on the wrong identity',
    'roles: [sensor]',
    'roles: [sensor, auditor]',
    'test',
    /must not be able to subscribe plant\/#, and can/,
  ],
  [
    'a client id that two certificates can claim',
    'clientId: "${name}/+"',
    'clientId: "${name}"',
    'load',
    /policy\/client-id-shared: two certificates can claim the client id/,
  ],
  [
    'an empty level',
    'publish: plant/${site}/${device}/telemetry/#',
    'publish: plant/${site}//${device}/telemetry/#',
    'prove',
    /every: device can publish .* does not hold: device:site=site-1,device=device-1 cannot publish/,
  ],
  [
    'a deny eaten by YAML',
    'deny:\n      - publish: plant/+/+/telemetry/secret/#',
    'deny:\n      - publish: #',
    'load',
    /policy\/empty-value/,
  ],
  [
    'a right to more than commands',
    'publish: plant/${sites}/+/command/${command}',
    'publish: plant/${sites}/+/#',
    'diff',
    /staff publish plant\/s1\/\+\/# {2}plant\/s1\/x1/,
  ],
  [
    'a condition that went missing',
    '        retain: false\n',
    '',
    'diff',
    /device publish plant\/\$\{site\}\/\$\{device\}\/telemetry\/# retained, up to QoS 1 plant/,
  ],
  [
    'a deny with a typing error',
    'publish: plant/+/+/telemetry/secret/#',
    'publish: plant/+/+/telemetri/secret/#',
    'check',
    /policy\/idle-deny: the deny of `plant\/\+\/\+\/telemetri\/secret\/#` takes nothing/,
  ],
  [
    'an exception that went missing',
    '    except: { subject.ou: staff }\n',
    '',
    'check',
    /policy\/overlapping-identities: a certificate with .*subject\.ou=staff.* is both device and staff/,
  ],
]

/** The first line of what catches it, as it stands in the table. */
function firstCaught(from: string, to: string, by: keyof Catches, counterexample: RegExp): string {
  return (
    catches(changed(from, to))
      [by].find(line => counterexample.test(line))
      ?.trim() ?? 'NOT CAUGHT'
  )
}

const commandFor: Readonly<Record<keyof Catches, string>> = {
  load: 'loading',
  test: '`policy test`',
  prove: '`policy prove`',
  check: '`policy check`',
  diff: '`policy diff`',
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
const code = (text: string): string => `\`\` ${text.replaceAll('\n', ' ⏎ ').trim() || '(nothing)'} \`\``

function tableOfMistakes(): string {
  const rows = mistakes.map(
    ([name, from, to, by, counterexample]) =>
      `| ${cell(name)} | ${cell(code(from))} → ${cell(code(to))} | ${commandFor[by]} | ${cell(firstCaught(from, to, by, counterexample))} |`,
  )
  return `# Twelve mistakes, and what catches each

Each is seeded alone into the sample plant (\`policies/\`). This table is written by \`test/prove/seeded-mistakes.test.ts\`
(\`npx vitest run test/prove/seeded-mistakes.test.ts -u\`), which fails where it no longer says what the commands say.

| mistake | change | caught by | what is told |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}

describe('seeded into the sample plant', () => {
  test.each(mistakes)('%s', (_, from, to, by, counterexample) => {
    expect(catches(changed(from, to))[by].join('\n')).toMatch(counterexample)
  })

  test('the table in the documentation says what is told of each', async () => {
    await expect(tableOfMistakes()).toMatchFileSnapshot('../../docs/seeded-mistakes.md')
  })

  test('nothing is caught in the sample as it is', () => {
    expect(catches(sample)).toEqual({ load: [], test: [], prove: [], check: [], diff: [] })
  })
})
