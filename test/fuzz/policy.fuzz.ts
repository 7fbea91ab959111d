import { readFileSync } from 'node:fs'
import { test } from 'vitest'
import { loadPolicySet } from '../../src/policy/load.ts'
import { fuzz } from './fuzz.ts'

const sample = (name: string): Buffer => readFileSync(new URL(`../../policies/${name}`, import.meta.url))
const names = ['plant.yaml', 'plant.test.yaml', 'fleet.csv']
const texts = new Map(names.map(name => [name, sample(name)]))
/** Pieces of the language, so that more than the parser is reached. */
const words = [
  '${device}',
  '- ',
  ': ',
  '#',
  '&a ',
  '*a',
  '!!str ',
  '|\n',
  '"',
  "'",
  '{',
  '[',
  '\t',
  '\u0000',
  '\u202e',
  'yes',
  '1e9',
  'claims:',
  'unique: []',
  ';',
]

test('policies', { timeout: 0 }, () =>
  fuzz('policy', 0.02, random => {
    const injured = random.pick(names)
    const files = names.map(name => {
      let bytes = texts.get(name) as Buffer
      if (name === injured) {
        if (random.chance(50)) bytes = random.injure(bytes)
        for (let count = random.below(4); count > 0; count--) {
          const at = random.below(bytes.length + 1)
          bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(random.pick(words)), bytes.subarray(at)])
        }
      }
      return { name, text: bytes.toString('utf8') }
    })
    const { set, problems } = loadPolicySet(files, { issuers: ['acme'] })
    if (set === undefined && problems.length === 0) throw new Error('a set was refused without a problem')
    for (const { sentence, where } of problems) {
      if (sentence === '') throw new Error('a problem without a sentence')
      if (where === undefined) throw new Error(`a problem without a place: ${sentence}`)
    }
  }),
)
