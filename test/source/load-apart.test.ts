/** Loading beside the work of a broker: the same answer, and turns of the event loop for others meanwhile. The thread is that of the built package. */
import { setImmediate } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { loadPolicyTextsApart as loadHere } from '../../src/source/load-apart.ts'
import { loadPolicyTexts } from '../../src/source/load-texts.ts'
import { root } from '../support/files.ts'

const { loadPolicyTextsApart } = (await import(
  pathToFileURL(new URL('dist/source/load-apart.js', root).pathname).href
)) as { loadPolicyTextsApart: typeof loadHere }

const rules = (count: number): string =>
  Array.from({ length: count }, (_, index) => `      - publish: "plant/\${device}/part-${index}/+/state"`).join('\n')

const plant = (count: number): string => `portcullis: 1
identities: { device: { from: { subject.cn: "\${device}" }, clientId: "\${device}", roles: [sensor] } }
roles:
  sensor:
    allow:
${rules(count)}
`
const task = (text: string) => ({
  files: [{ name: 'plant.yaml', text }],
  shown: 'policies',
  options: { issuers: ['acme'], limits: new Map() },
  readProblems: [],
})

test('gives what loading here gives, mistakes included, with a thread and without one', async () => {
  const { files, shown, options } = task(plant(3))
  const expected = loadPolicyTexts(files, shown, options)
  expect(await loadPolicyTextsApart(task(plant(3)))).toEqual(expected)
  // beside this source there is no built thread
  expect(await loadHere(task(plant(3)))).toEqual(expected)
  for (const load of [loadPolicyTextsApart, loadHere])
    await expect(load(task('roles: ['))).rejects.toMatchObject({ problems: [{ code: 'policy/yaml' }] })
})

test('a large set leaves others their turns', async () => {
  let isLoaded = false
  const loading = loadPolicyTextsApart(task(plant(3_000))).then(() => {
    isLoaded = true
  })
  let turns = 0
  while (!isLoaded) {
    await setImmediate()
    turns++
  }
  await loading
  expect(turns).toBeGreaterThan(100)
})
