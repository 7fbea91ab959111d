/** Sinks of the commands that need no broker: what they print of files, names of files and arguments that were hostile. */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { inFolder, run } from '../cli/script.ts'
import { portcullis, portcullisEach, said } from './command.ts'
import {
  argumentNames,
  ascii,
  begun,
  crowds,
  everyArgument,
  everyName,
  expectClean,
  expectKept,
  expectShown,
  fileNames,
  hostileBytes,
  hostileFile,
  shown,
  stringsIn,
  topicLevels,
  word,
} from './fleet.ts'

const timeout = 60_000
const read = (path: string): string => readFileSync(new URL(`../../policies/${path}`, import.meta.url), 'utf8')
/** The sample set without its tests. */
const sample = new Map([
  ['policies/plant.yaml', read('plant.yaml')],
  ['policies/fleet.csv', read('fleet.csv')],
])
const small = `portcullis: 1
identities: { device: { from: { subject.cn: "\${device}" }, clientId: "\${device}", roles: [sensor] } }
roles: { sensor: { allow: [{ publish: "x/\${device}" }] } }
`

/** Every place of a policy whose mistake quotes what stands there. */
const places = (name: string): string => `portcullis: 1
${ascii(name)}: x
constants: { ${ascii(name)}: [a], known: [${ascii(name)}] }
identities:
  ${ascii(name)}: { from: { subject.cn: "\${device}" }, clientId: "\${device}" }
  device:
    issuer: ${ascii(name)}
    from: { subject.cn: "\${device}", ${ascii(name)}: x }
    clientId: "\${device}"
    roles: [${ascii(name)}]
    membersOnly: ${ascii(name)}
    maxSessions: ${ascii(name)}
    unique: [${ascii(name)}]
roles:
  ${ascii(name)}: { allow: [{ publish: a }] }
  sensor: { allow: [{ ${ascii(name)}: a }, { publish: a, maxQos: ${ascii(name)} }] }
members:
  ${ascii(name)}: { of: device, by: [device], file: a.csv }
  rows: { of: ${ascii(name)}, by: [${ascii(name)}], lists: [${ascii(name)}], file: ${ascii(name)} }
  cells: { of: device, by: [device], rows: [{ device: ${ascii(name)}, ${ascii(name)}: x }] }
settings: { onDeniedPublish: ${ascii(name)}, ${ascii(name)}: x }
`
const placesOfPolicy = 22
const placesOfTest = (name: string): string => `tests:
  - { name: ${ascii(name)}, as: { ${ascii(name)}: x, issuer: ${ascii(name)} }, can: [{ ${ascii(name)}: x }] }
  - { name: ${ascii(name)}, as: { identity: device, device: a }, refused: ${ascii(name)} }
`

describe.concurrent('policy check', { timeout }, () => {
  const numbered = (text: (name: string) => string, ending: string) =>
    new Map(everyName.map((name, index) => [`policies/h${index}${ending}`, text(name)]))

  test('values and keys of YAML, in every place that a mistake quotes', () =>
    inFolder(new Map([...numbered(places, '.yaml'), ...numbered(placesOfTest, '.test.yaml')]), async folder => {
      const { stdout, stderr, exit } = await portcullis(folder, ['policy', 'check'])
      expect({ stdout, exit }).toEqual({ stdout: '', exit: 3 })
      expectShown(stderr, everyName)
      const lines = stderr.split('\n')
      for (const [index, name] of everyName.entries()) {
        const own = lines.filter(line => line.startsWith(`policies/h${index}.yaml:`) && line.includes(shown(name)))
        // settings are read once in a set, and `__proto__` is fit to be a value
        const fewest = index === 0 ? placesOfPolicy : placesOfPolicy - (/^\w+$/.test(name) ? 4 : 1)
        expect({ name, isComplete: own.length >= fewest }).toEqual({ name, isComplete: true })
      }
      const json = await portcullis(folder, ['policy', 'check', '--json'])
      expectClean(json.stdout)
      // a sentence has the name as a person reads it
      const sentences = stringsIn(JSON.parse(json.stdout)).join('\n')
      expect(everyName.filter(name => !sentences.includes(shown(name)))).toEqual([])
    }))

  test('raw bytes in YAML and CSV', () =>
    inFolder(sample, async folder => {
      await Promise.all(
        [...everyName.map(name => Buffer.from(name)), ...hostileBytes].flatMap((bytes, index) => [
          writeFile(join(folder, `policies/raw${index}.yaml`), Buffer.concat([Buffer.from('portcullis: 1\n'), bytes])),
          writeFile(join(folder, `policies/raw${index}.csv`), bytes),
        ]),
      )
      const { stderr, exit } = await portcullis(folder, ['policy', 'check'])
      expect(exit).toBe(3)
      expectClean(stderr)
      expect(stderr).toContain('the file holds U+001B, which is not text')
      expect(stderr).toContain('the file is not UTF-8')
    }))

  test('columns and cells of CSV', () => {
    const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`
    const tables = argumentNames.map(
      (_, i) => `  c${i}: { of: device, by: [device], lists: [children], file: c${i}.csv }`,
    )
    const cells = argumentNames.map(
      (name, i) => [`policies/c${i}.csv`, `device,children\n${cell(name)},${cell(name)}\n`] as const,
    )
    const columns = argumentNames.map((name, i) => [`policies/u${i}.csv`, `device,${cell(name)}\na,b\n`] as const)
    const heads = argumentNames.map((_, i) => `  u${i}: { of: device, by: [device], file: u${i}.csv }`)
    const files = new Map([
      ['policies/a.yaml', `${small}members:\n${[...tables, ...heads].join('\n')}\n`],
      ...cells,
      ...columns,
    ])
    return inFolder(files, async folder => {
      const { stderr, exit } = await portcullis(folder, ['policy', 'check'])
      expect(exit).toBe(3)
      const unsafe = argumentNames.filter(name => !/^\w+$/.test(name))
      expectShown(stderr, unsafe, name => `\`${shown(name)}\` in the column \`device\` is not a safe value`)
      expectShown(stderr, argumentNames, name => `\`${shown(name)}\` is not a name of a column`)
    })
  })

  test('names of files', () =>
    inFolder(sample, async folder => {
      for (const name of fileNames) {
        await writeFile(join(folder, 'policies', name), 'x')
        await writeFile(join(folder, 'policies', `${name}.yaml`), 'unknwn: 1\n')
        await mkdir(join(folder, 'policies', `${name} folder`))
      }
      for (const bytes of hostileBytes) {
        await writeFile(Buffer.concat([Buffer.from(join(folder, 'policies/')), bytes]), 'x')
      }
      const { stderr, exit } = await portcullis(folder, ['policy', 'check'])
      expect(exit).toBe(3)
      expectShown(stderr, fileNames, name => `policies/${shown(name)}: policy/unexpected-file`)
      expectShown(stderr, fileNames, name => `policies/${shown(name)}.yaml:1:1: policy/unknown-key`)
      expect(stderr).toContain('policies/pump\ufffd: policy/unreadable-file')
      const json = await portcullis(folder, ['policy', 'check', '--json'])
      expectKept(
        json.stdout,
        fileNames.flatMap(name => ['', '.yaml', ' folder'].map(ending => `policies/${name}${ending}`)),
      )
    }))

  test('names of the folder', () =>
    inFolder(new Map(), async folder => {
      const missing = await portcullis(folder, ['policy', 'check', everyArgument])
      expectShown(missing.stderr, [everyArgument], text => `the policy folder ${shown(text)} cannot be read (`)
      const name = hostileFile
      await mkdir(join(folder, name))
      await writeFile(join(folder, name, 'a.yaml'), small)
      const { stdout } = await portcullis(folder, ['policy', 'check', name])
      expectShown(stdout, [name], text => `${shown(text)}/: 1 file`)
      expectKept((await portcullis(folder, ['policy', 'check', name, '--json'])).stdout, [name])
    }))
})

test('policy test: names of tests, topics and client ids', { timeout }, () => {
  const tests = everyName.map(
    name => `  - { name: ${ascii(name)}, as: { identity: device, device: a }, can: [{ publish: x/a }] }`,
  )
  const failing = topicLevels.map(
    name =>
      `  - { name: ${ascii(`not ${name}`)}, as: { identity: device, device: a }, can: [{ publish: ${ascii(`y/${name}`)} }] }`,
  )
  const foreign = everyName.map(
    name =>
      `  - { name: ${ascii(`id ${name}`)}, as: { subject.cn: a }, clientId: ${ascii(name)}, can: [{ publish: x/a }] }`,
  )
  const files = new Map([
    ['policies/a.yaml', small],
    ['policies/a.test.yaml', `tests:\n${[...tests, ...failing, ...foreign].join('\n')}\n`],
  ])
  return inFolder(files, async folder => {
    const { stdout, stderr, exit } = await portcullis(folder, ['policy', 'test'])
    expect(exit).toBe(2)
    expectClean(stderr)
    expectShown(stdout, everyName, name => `ok      ${shown(name)}\n`)
    expectShown(stdout, topicLevels, name => `FAILED  not ${shown(name)}\n`)
    expectShown(stdout, topicLevels, name => `must be able to publish y/${shown(name)}, and cannot`)
    expectShown(stdout, everyName, name => `the client id \`${begun(name)}`)
    const { stdout: json } = await portcullis(folder, ['policy', 'test', '--json'])
    expectKept(json, [...everyName, ...topicLevels.map(name => `not ${name}`), ...everyName.map(name => `id ${name}`)])
    // a set whose tests fail does not load
    expectShown((await portcullis(folder, ['policy', 'check'])).stderr, topicLevels)
    expectClean((await portcullis(folder, ['policy', 'check', '--json'])).stdout)
  })
})

describe.concurrent('policy explain', { timeout }, () => {
  const device = 'device:site=s1,device=pump-7'
  const explain = (who: string, verb = 'publish', topic = 'a'): readonly string[] => [
    'policy',
    'explain',
    '--',
    who,
    verb,
    topic,
  ]

  test('topics, filters and client ids', () =>
    inFolder(sample, async folder => {
      for (const verb of ['publish', 'subscribe', 'receive', 'will', 'connect']) {
        const { stdout } = await portcullis(folder, explain(device, verb, everyArgument))
        expectShown(stdout, [everyArgument], text => `refuse: ${verb} ${shown(text)}\n`)
      }
      const asked = await portcullisEach(folder, crowds, text => explain(device, 'connect', text))
      expectShown(said(asked), crowds, text => `the client id \`${begun(text)}`)
      // a character that the cut halves
      expect(said(asked)).toContain('a\\ud83d…`')
    }))

  test('the same as JSON', () =>
    inFolder(sample, async folder => {
      const { stdout } = await portcullis(folder, [...explain(device, 'will', everyArgument).toSpliced(2, 0, '--json')])
      expectKept(stdout, [everyArgument])
      expect(JSON.parse(stdout)).toMatchObject({ effect: 'refuse', action: { topic: everyArgument } })
    }))

  test('who: subjects, captures and files; and actions', () =>
    inFolder(sample, async folder => {
      const rfc4514 = (text: string): string => text.replace(/[\\,+="<>;]/g, special => `\\${special}`)
      const subjects = await portcullisEach(folder, crowds, text => explain(`subject:OU=s1,CN=${rfc4514(text)}`))
      expectShown(said(subjects), crowds, text => `subject.cn is \`${begun(text)}`)
      const plain = crowds.map(text => text.replaceAll(',', ''))
      const captures = await portcullisEach(folder, plain, text => explain(`device:site=s1,device=${text}`))
      expectShown(said(captures), plain, text => `device cannot be \`${begun(text)}`)
      const whole = everyArgument.replaceAll(',', '')
      const parts = await portcullis(folder, explain(`device:site=s1,${whole}`))
      expectShown(parts.stderr, [whole], text => `\`${shown(text)}\` is not one NAME=VALUE of an identity`)
      const files = await portcullis(folder, explain(`./${everyArgument}`))
      expectShown(files.stderr, [everyArgument], text => `./${shown(text)}: tool/unreadable-certificate`)
      const verbs = await portcullis(folder, explain(device, everyArgument))
      expectShown(verbs.stderr, [everyArgument], text => `there is no action \`${shown(text)}\``)
    }))
})

describe.concurrent('the command line', { timeout }, () => {
  test('what is no command, option or value of one', () =>
    inFolder(new Map(), async folder => {
      for (const text of [everyArgument, 'x\n(Did you mean FORGED?)\nFORGED']) {
        const command = await portcullis(folder, ['policy', `x${text}`])
        expectShown(command.stderr, [text], one => `error: unknown command 'x${shown(one)}'\nsee --help\n`)
        const option = await portcullis(folder, ['policy', 'check', `--x${text.replaceAll('=', '')}`])
        expectShown(option.stderr, [text.replaceAll('=', '')], one => `error: unknown option '--x${shown(one)}'\n`)
        const value = await portcullis(folder, ['policy', 'explain', '--qos', text, 'a', 'b', 'c'])
        expectShown(value.stderr, [text], one => `argument '${shown(one)}' is invalid. QoS is 0, 1 or 2.\n`)
        expect([command, option, value].map(one => one.exit)).toEqual([64, 64, 64])
      }
      // the line break before a guess is the program's own
      const { stderr } = await portcullis(folder, ['policy', 'chek'])
      expect(stderr).toBe("error: unknown command 'chek'\n(Did you mean check?)\nsee --help\n")
    }))

  test('bytes that are no UTF-8', () =>
    inFolder(new Map(), async folder => {
      const hex = [...Buffer.concat(hostileBytes)].map(byte => `\\x${byte.toString(16)}`).join('')
      const { stderr } = await run(`NO_COLOR=1 portcullis policy $'${hex}'`, folder)
      expectShown(stderr, ["error: unknown command 'pump\ufffd31mpump\ufffd"])
    }))

  test('an error that nobody expected, with and without its stack', () =>
    inFolder(new Map(), async folder => {
      // only the first line of a message is told
      const text = everyArgument.replaceAll('\n', '')
      const failed = await portcullis(folder, ['demo'], `TMPDIR=${word(`/none/${text}`)}`)
      expectShown(failed.stderr, [text], one => `/none/${shown(one)}`)
      expect(failed.exit).toBe(1)
      const debug = await portcullis(folder, ['demo'], `PORTCULLIS_DEBUG=1 TMPDIR=${word(`/none/${everyArgument}`)}`)
      // a line end of the message is one of the stack, which is indented
      expectShown(debug.stderr, everyArgument.split('\n'))
      expect(debug.stderr).toMatch(/^ {6}at /m)
    }))
})
