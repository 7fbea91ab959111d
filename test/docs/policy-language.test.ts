/** The reference of the language shows what it says: its blocks are one set that loads, whose tests pass and whose claims hold. */
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { expect, test } from 'vitest'
import { withOptions } from '../../scripts/render-options.mjs'
import { runPolicyTests } from '../../src/decide/run-tests.ts'
import { loadPolicySet } from '../../src/policy/load.ts'
import { proveClaims } from '../../src/prove/claims/prove-claims.ts'
import { addPolicyTest } from '../../src/tool/policy-test.ts'

const page = readFileSync(new URL('../../docs/policy-language.md', import.meta.url), 'utf8')
const [policy, tests, ...more] = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(match => match[1] ?? '')

test('docs/policy-language.md', () => {
  expect(more).toEqual([])
  const { set, problems } = loadPolicySet([
    { name: 'plant.yaml', text: policy ?? '' },
    { name: 'plant.test.yaml', text: tests ?? '' },
    { name: 'fleet.csv', text: 'device,roles,children\nline-1,gateway,pump-7;pump-8\n' },
  ])
  expect(problems).toEqual([])
  if (set === undefined) return
  expect(runPolicyTests(set).flatMap(({ failures }) => failures)).toEqual([])
  expect(proveClaims(set).map(({ claim, verdict }) => `${claim.kind} ${verdict}`)).toEqual([
    'isolated proved',
    'noFlow proved',
    'only proved',
    'never proved',
    'every proved',
  ])
})

test('the options are what `npm run docs:options` writes', () => {
  const policy = new Command()
  addPolicyTest(policy)
  expect(page).toBe(withOptions(page, policy.commands[0] as Command))
})
