import { expect, test } from 'vitest'
import { PermitCounts } from '../../src/decide/permit-counts.ts'
import type { RuleRef } from '../../src/trace.ts'

const rule = (line: number, file = 'plant.yaml'): RuleRef => ({
  role: 'pump',
  effect: 'allow',
  action: 'publish',
  filters: [],
  where: { file, line, column: 7 },
})

test('counts every permit by action and by the place of its first rule', () => {
  const counts = new PermitCounts()
  const [first, second] = [rule(3), rule(4)]
  for (let n = 0; n < 5; n++) counts.add('publish', [first, second])
  counts.add('will', [first])
  counts.add('receive', [second])
  expect([...counts.all()]).toEqual([
    { action: 'publish', rule: 'plant.yaml:3', count: 5 },
    { action: 'will', rule: 'plant.yaml:3', count: 1 },
    { action: 'receive', rule: 'plant.yaml:4', count: 1 },
  ])
})

test('a rule of the next revision goes on where one stood: a count never falls', () => {
  const counts = new PermitCounts()
  counts.add('publish', [rule(3)])
  counts.add('publish', [rule(3)])
  expect([...counts.all()]).toEqual([{ action: 'publish', rule: 'plant.yaml:3', count: 2 }])
})

test('more places than the limit, and a permit without a rule, are counted as `other`, and none is lost', () => {
  const counts = new PermitCounts(2)
  for (let line = 1; line <= 1000; line++) counts.add('receive', [rule(line)])
  counts.add('receive', [rule(2)])
  counts.add('receive', [])
  expect([...counts.all()]).toEqual([
    { action: 'receive', rule: 'plant.yaml:1', count: 1 },
    { action: 'receive', rule: 'plant.yaml:2', count: 2 },
    { action: 'receive', rule: 'other', count: 999 },
  ])
})
