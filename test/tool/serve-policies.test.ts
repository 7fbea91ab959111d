/** Where `serve` has its policies from: never from a folder where somebody asked for a bundle. */
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { PortcullisError } from '../../src/problem.ts'
import { type PolicyOptions, policiesOf } from '../../src/tool/serve-policies.ts'

const configured = { bundle: '/etc/policies.bundle', key: '/etc/bundle.pub.pem', state: '/var/seen.json' }

function refusal(options: PolicyOptions, files?: typeof configured): readonly string[] {
  try {
    policiesOf(options, files)
  } catch (error) {
    if (error instanceof PortcullisError) return error.problems.map(({ code, sentence }) => `${code}: ${sentence}`)
  }
  throw new Error('not refused')
}

test('a folder, a bundle of the configuration, or one of the command line, which may name single files anew', () => {
  expect(policiesOf({}, undefined)).toBe('policies')
  expect(policiesOf({ policies: 'other' }, undefined)).toBe('other')
  expect(policiesOf({}, configured)).toEqual(configured)
  expect(policiesOf({ bundle: 'a', bundleKey: 'b', bundleState: 'c' }, undefined)).toEqual({
    bundle: resolve('a'),
    key: resolve('b'),
    state: resolve('c'),
  })
  expect(policiesOf({ bundle: 'a' }, configured)).toEqual({ ...configured, bundle: resolve('a') })
})

test('a bundle in part, or beside a folder, is refused', () => {
  expect(refusal({ bundleKey: 'b' })).toEqual(['config/missing-key: a signed bundle needs --bundle too'])
  expect(refusal({ bundle: 'a' })).toEqual(['config/missing-key: a signed bundle needs --bundle-key too'])
  expect(refusal({ bundle: 'a', bundleKey: 'b' })).toEqual([
    'config/missing-key: a signed bundle needs --bundle-state too',
  ])
  const twice = ['config/bad-value: policies are named twice: a folder and a bundle']
  expect(refusal({ policies: 'policies', bundle: 'a', bundleKey: 'b', bundleState: 'c' })).toEqual(twice)
  expect(refusal({ policies: 'policies' }, configured)).toEqual(twice)
})
