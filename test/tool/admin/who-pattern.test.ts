import { expect, test } from 'vitest'
import { fitsWho } from '../../../src/tool/admin/who-pattern.ts'

const texts = ['device:site=s1,device=pump-7', 'pump-7', undefined]

test.each([
  ['device'],
  ['device:site=s1'],
  ['device:site=s1,device=pump-7'],
  ['pump-7'],
  ['pump-*'],
  ['*pump*'],
  ['*'],
  ['device:*,device=pump-7'],
  ['**site=s1**'],
])('%s fits', pattern => {
  expect(fitsWho([pattern], texts)).toBe(true)
  expect(fitsWho(['nobody', pattern], texts)).toBe(true)
})

test.each([
  ['dev'],
  ['device:site=s'],
  ['device:site=s1,device=pump-'],
  ['pump'],
  ['site=s1'],
  ['pump-*x'],
  ['*pump-8'],
  ['device:site=s1,device=pump-7,'],
  ['pump-7*7'],
  ['Device'],
  ['.*'],
])('%s does not', pattern => {
  expect(fitsWho([pattern], texts)).toBe(false)
})

test('no pattern at all is everybody; nothing known fits none', () => {
  expect(fitsWho([], [undefined])).toBe(true)
  expect(fitsWho(['*'], [undefined])).toBe(false)
})
