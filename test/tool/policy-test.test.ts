/** `policy test` as it is shipped: the reports that it writes, what it does not overwrite, and hostile names in each. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { inFolder, run } from '../cli/script.ts'
import { ascii, everyName, expectClean, fileNames, shown, topicLevels, word } from '../output-safety/fleet.ts'
import { workflowCommandOf } from '../support/workflow-command.ts'
import { elementsOf, parseXml } from '../support/xml.ts'

const timeout = 60_000
const policy = `portcullis: 1
identities: { device: { from: { subject.cn: "\${device}" }, clientId: "\${device}", roles: [sensor] } }
roles: { sensor: { allow: [{ publish: "x/\${device}" }, { publish: unused }] } }
`
const as = 'as: { identity: device, device: a }'
const passing = `tests: [{ name: yes, ${as}, can: [{ publish: x/a }] }]\n`
const failing = `tests:
  - { name: yes, ${as}, can: [{ publish: x/a }] }
  - name: "no"
    ${as}
    can: [{ publish: y }]
    cannot:
      - { publish: x/a }
`
const folderOf = (tests: string): ReadonlyMap<string, string> =>
  new Map([
    ['policies/a.yaml', policy],
    ['policies/a.test.yaml', tests],
  ])

describe.concurrent('--junit', { timeout }, () => {
  test('writes a suite for each file and a case for each test, the same every time', () =>
    inFolder(new Map([...folderOf(failing), ['policies/b.test.yaml', passing.replace('yes', 'b')]]), async folder => {
      const first = await run('portcullis policy test --junit r.xml; code=$?; cp r.xml first.xml; exit $code', folder)
      expect(first.exit).toBe(2)
      expect(first.stdout).toContain('FAILED  no\n')
      const again = await run('portcullis policy test --junit r.xml --json; cmp r.xml first.xml', folder)
      expect(again.exit).toBe(0)
      const report = parseXml(await readFile(join(folder, 'r.xml'), 'utf8'))
      expect(report.attributes).toEqual({
        name: 'portcullis policy test',
        tests: '3',
        failures: '1',
        errors: '0',
        skipped: '0',
      })
      expect(
        elementsOf(report, 'testsuite').map(({ attributes: { name, tests, failures } }) => [name, tests, failures]),
      ).toEqual([
        ['policies/a.test.yaml', '2', '1'],
        ['policies/b.test.yaml', '1', '0'],
      ])
      const [, no] = elementsOf(report, 'testcase')
      expect(no?.attributes).toEqual({
        name: 'no',
        classname: 'policies/a.test.yaml',
        file: 'policies/a.test.yaml',
        line: '3',
      })
      const [failure, ...others] = elementsOf(report, 'failure')
      expect(others).toEqual([])
      expect(failure?.attributes).toEqual({
        message: 'test "no": must be able to publish y, and cannot (and 1 more)',
        type: 'policy/test-failed',
      })
      expect(failure?.text.split('\n')).toEqual([
        'policies/a.test.yaml:5:13: policy/test-failed: test "no": must be able to publish y, and cannot',
        expect.stringMatching(
          /^ {2}help: no rule allows to publish `y`; nearest is `x\/a` \(policies\/a\.yaml:3:\d+\)/,
        ),
        'policies/a.test.yaml:7:11: policy/test-failed: test "no": must not be able to publish x/a, and can',
        expect.stringMatching(/^ {2}help: role sensor allows it \(policies\/a\.yaml:3:\d+\)$/),
      ])
    }))

  test('overwrites nothing but its own report, and leaves nothing else behind', () =>
    inFolder(folderOf(passing), async folder => {
      const refused = await run('portcullis policy test --junit policies/a.yaml', folder)
      expect(refused.stderr).toBe(`1 test passed
tool/foreign-file: policies/a.yaml exists and is no report of \`policy test\`
  help: name another file with --junit FILE, or delete this one
`)
      expect(refused.exit).toBe(2)
      expect(await readFile(join(folder, 'policies/a.yaml'), 'utf8')).toBe(policy)
      await mkdir(join(folder, 'dir'))
      for (const name of ['dir', 'missing/r.xml']) {
        const { stderr, exit } = await run(`portcullis policy test --junit ${name}`, folder)
        expect(stderr).toContain(`tool/unwritable-file: ${name} cannot be written (`)
        expect(exit).toBe(1)
      }
      expect((await run('portcullis policy test --junit r.xml', folder)).exit).toBe(0)
      expect((await readdir(folder)).sort()).toEqual(['dir', 'policies', 'r.xml'])
    }))

  test('of a set without tests, and of one that does not load', () =>
    inFolder(new Map([['policies/a.yaml', policy]]), async folder => {
      expect((await run('portcullis policy test --junit r.xml', folder)).exit).toBe(0)
      expect(parseXml(await readFile(join(folder, 'r.xml'), 'utf8')).attributes.tests).toBe('0')
      await writeFile(join(folder, 'policies/a.yaml'), 'rols: 1\n')
      expect((await run('portcullis policy test --junit new.xml', folder)).exit).toBe(3)
      expect(await readdir(folder)).not.toContain('new.xml')
    }))
})

describe.concurrent('--github', { timeout }, () => {
  test('annotates failures and rules that no test exercises, and nothing without being told', () =>
    inFolder(folderOf(failing), async folder => {
      const { stdout, stderr, exit } = await run('portcullis policy test --github --min-coverage 60', folder)
      expect(exit).toBe(2)
      expect(stderr).toBe('1 of 2 tests failed\n50 % of the rules are exercised, and --min-coverage asks for 60 %\n')
      expect(stdout.trimEnd().split('\n').map(workflowCommandOf)).toEqual([
        {
          name: 'error',
          properties: { file: 'policies/a.test.yaml', line: '5', col: '13', title: 'no' },
          data: expect.stringMatching(/^policy\/test-failed: test "no": must be able to publish y, and cannot\nhelp: /),
        },
        {
          name: 'error',
          properties: { file: 'policies/a.test.yaml', line: '7', col: '11', title: 'no' },
          data: expect.stringMatching(/\nhelp: role sensor allows it \(policies\/a\.yaml:3:\d+\)$/),
        },
        {
          name: 'notice',
          properties: { file: 'policies/a.yaml', line: '3', col: expect.any(String), title: 'rule not exercised' },
          data: 'no test exercises allow publish unused (role sensor)',
        },
        {
          name: 'error',
          properties: { title: 'policy coverage' },
          data: '1 of 2 rules exercised (50 %)\n50 % of the rules are exercised, and --min-coverage asks for 60 %',
        },
      ])
      const quiet = await run('GITHUB_ACTIONS=true portcullis policy test', folder)
      expect(quiet.stdout).toMatch(/^ok {6}yes\n/)
      expect(quiet.stdout).not.toContain('::')
    }))

  test('annotates what keeps a set from loading', () =>
    inFolder(new Map([['policies/a.yaml', `${policy}rols: 1\n`]]), async folder => {
      const { stdout, stderr, exit } = await run('portcullis policy test --github', folder)
      expect({ stderr, exit }).toEqual({ stderr: '', exit: 3 })
      expect(workflowCommandOf(stdout.trimEnd())).toMatchObject({
        name: 'error',
        properties: { file: 'policies/a.yaml', line: '4', col: '1', title: 'policy/unknown-key' },
      })
    }))
})

test.each(['101', '-1', '1e1', '', '07', '99.5'])('--min-coverage %j is wrong usage', { timeout }, text =>
  inFolder(folderOf(passing), async folder => {
    const { stdout, stderr, exit } = await run(`portcullis policy test --min-coverage=${word(text)}`, folder)
    expect({ stdout, exit }).toEqual({ stdout: '', exit: 64 })
    expect(stderr).toContain('Write a whole number from 0 to 100.')
  }),
)

test('what excludes each other, and a file that is none, is wrong usage', { timeout }, () =>
  inFolder(folderOf(passing), async folder => {
    for (const options of ['--json --github', '--junit -', "--junit ''"])
      expect((await run(`portcullis policy test ${options}`, folder)).exit).toBe(64)
  }),
)

test('hostile names of tests, topics, roles and files: they stay names', { timeout }, () => {
  const commands = [']]>', '::error::FORGED', '##[error]FORGED', '%0A::error::FORGED', 'a,line=9::FORGED', '&#0;\ufffe']
  const names = [...everyName, ...commands]
  const levels = topicLevels.filter(level => !/[{}*$]/.test(level))
  const tests = names.map(name => `  - { name: ${ascii(name)}, ${as}, can: [{ publish: ${ascii(`y/${name}`)} }] }`)
  const rules = levels.map(level => `        - ${ascii(`z/${level}`)}`)
  const hostile = `portcullis: 1
identities: { device: { from: { subject.cn: "\${device}" }, clientId: "\${device}", roles: [sensor] } }
roles:
  sensor:
    allow:
      - publish:
${rules.join('\n')}
`
  // topics of the names that cannot be one are refused when the set is read
  const valid = names.flatMap((name, index) =>
    /[\u0000+#]/.test(name) || Buffer.from(name).toString() !== name ? [] : [index],
  )
  const shownNames = valid.map(index => shown(names[index] as string).replaceAll('\ufffe', '\\ufffe'))
  return inFolder(new Map(), async folder => {
    const name = fileNames.find(one => one.includes('<img')) ?? ''
    await mkdir(join(folder, name))
    await writeFile(join(folder, name, 'a.yaml'), hostile)
    await writeFile(join(folder, name, 'a.test.yaml'), `tests:\n${valid.map(index => tests[index]).join('\n')}\n`)

    const github = await run(`portcullis policy test --github --coverage --junit r.xml -- ${word(name)}`, folder)
    expect(github.exit).toBe(2)
    expectClean(github.stdout)
    const found = github.stdout.trimEnd().split('\n').map(workflowCommandOf)
    expect(found.filter(one => one?.name === 'error').map(one => one?.properties.title)).toEqual(
      valid.map(index => shown(names[index] as string)),
    )
    expect(found.map(one => one?.name)).toEqual([...valid.map(() => 'error'), ...levels.map(() => 'notice'), 'notice'])
    expect(found.slice(0, -1).filter(one => !one?.properties.file?.startsWith(`${name}/a.`))).toEqual([])

    const xml = await readFile(join(folder, 'r.xml'), 'utf8')
    expectClean(xml)
    const cases = elementsOf(parseXml(xml), 'testcase')
    expect(cases.map(one => one.attributes.name)).toEqual(shownNames)
    expect(cases.filter(one => one.attributes.file !== `${name}/a.test.yaml`)).toEqual([])
    expect(elementsOf(parseXml(xml), 'failure').map(one => one.attributes.message)).toEqual(
      shownNames.map(one => `test "${one}": must be able to publish y/${one}, and cannot`),
    )
  })
})
