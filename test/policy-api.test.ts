/** `portcullis/policy` as a browser gets it: bundled, and run where there is nothing of Node.js. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { rolldown } from 'rolldown'
import { beforeAll, describe, expect, test } from 'vitest'
import { root } from './support/files.ts'

const entry = fileURLToPath(new URL('dist/policy-api.js', root))
const files = readdirSync(new URL('policies/', root)).map(name => ({
  name,
  text: readFileSync(new URL(`policies/${name}`, root), 'utf8'),
}))

/** Runs in the bundle's own world: it sees `api` and `files`, and the language and the two classes of the web that turn text into bytes. */
const work = `
const { set, problems } = api.loadPolicySet(files)
if (set === undefined) throw new Error(problems.map(api.formatProblem).join('; '))
const device = api.parseIdentityText('device:site=s1,device=line-1').value
const rights = api.compileRights(set, api.rightsHolderOf(set, device).value).value
const publish = topic => rights.publish(api.parseTopicName(topic).value, { qos: 0, retain: false, payloadBytes: 1 }).effect
const wider = files.map(({ name, text }) => ({ name, text: text.replace('plant/\${site}/\${device}/telemetry/#', 'plant/\${site}/+/telemetry/#') }))
const diff = api.diffPolicies(set, api.loadPolicySet(wider).set)
const broken = api.loadPolicySet([{ name: 'a.yaml', text: 'portcullis: 1\\nrolse: {}\\n' }])
JSON.stringify({
  own: publish('plant/s1/line-1/telemetry/temp'),
  child: publish('plant/s1/pump-7/telemetry/temp'),
  other: publish('plant/s2/pump-9/telemetry/temp'),
  clientId: api.bindClientId(set, device, 'line-1').ok,
  tests: api.runPolicyTests(set).every(({ ok }) => ok),
  verdicts: [...new Set(api.proveClaims(set).map(({ verdict }) => verdict))],
  warnings: api.lintPolicy(set).warnings.length,
  who: api.whoCan(set, 'publish', 'plant/s1/pump-7/command/start').value.map(({ identity }) => identity),
  same: api.diffPolicies(set, set).value.gains.length,
  gains: diff.value.gains.map(({ identity, action }) => identity.name ?? identity),
  broken: broken.problems.map(({ code }) => code),
  nodeIsHere: ['process', 'require', 'Buffer', 'global'].filter(name => name in globalThis),
})`

describe('portcullis/policy in a browser', () => {
  let code = ''
  let imports: readonly string[] = []

  beforeAll(async () => {
    const warnings: string[] = []
    const bundle = await rolldown({
      input: entry,
      platform: 'browser',
      onLog: (_, log) => warnings.push(log.message),
    })
    const { output } = await bundle.generate({ format: 'iife', name: 'api' })
    await bundle.close()
    expect(warnings).toEqual([])
    code = output[0].code
    imports = [...output[0].imports, ...output[0].dynamicImports]
  }, 60_000)

  test('the bundle is one script that needs no module, of Node.js or otherwise', () => {
    expect(imports).toEqual([])
    expect(code).not.toMatch(/['"`]node:|\brequire\(/)
  })

  test('loads, decides, proves, tests, asks and compares in a world without process, require and Buffer', {
    timeout: 60_000,
  }, () => {
    const world = createContext({ files, TextEncoder, TextDecoder })
    runInContext(code, world)
    const answer = JSON.parse(runInContext(`(() => { ${work.replace(/\nJSON/, '\nreturn JSON')} })()`, world) as string)
    expect(answer).toEqual({
      own: 'permit',
      child: 'permit',
      other: 'refuse',
      clientId: true,
      tests: true,
      verdicts: ['proved'],
      warnings: 0,
      who: ['staff'],
      same: 0,
      gains: ['device'],
      broken: expect.arrayContaining(['policy/unknown-key']),
      nodeIsHere: [],
    })
  })
})
