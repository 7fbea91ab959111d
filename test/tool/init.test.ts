/** `portcullis init` as it is shipped: what it writes loads and holds for every answer, and its hook refuses what is wrong. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { deviceNames, operatorChoices, questions } from '../../src/tool/init/answers.ts'
import { ask } from '../../src/tool/init/ask.ts'
import { ciFiles } from '../../src/tool/init/scaffold.ts'
import { inFolder, run } from '../cli/script.ts'
import { root } from '../support/files.ts'

const nothing = new Map<string, string>()
const usual = '--root plant --device-name cn --operators none'
const slow = { timeout: 60_000 }

describe('init', () => {
  const all = deviceNames.flatMap(name =>
    operatorChoices.flatMap(who => ['a.b_C-9'].map(first => [name, who, first] as const)),
  )
  test.each(all)(
    '%s, operators %s, root %s: loads without a warning, tests pass, claims are proved',
    slow,
    (name, who, first) =>
      inFolder(nothing, async cwd => {
        const made = await run(`portcullis init . --root ${first} --device-name ${name} --operators ${who}`, cwd)
        expect(made).toMatchObject({ exit: 0, stderr: expect.stringContaining('npm install --save-dev portcullis') })
        const checked = await run('portcullis policy check --strict --config portcullis.config.yaml', cwd)
        expect(checked).toMatchObject({ exit: 0, stderr: '' })
        const proved = JSON.parse((await run('portcullis policy prove --json', cwd)).stdout)
        expect(proved.proved).toBe(true)
        expect(proved.claims.length).toBe(who === 'none' ? 3 : 4)
      }),
  )

  test('overwrites nothing: tells every file that is there, and writes none', slow, () =>
    inFolder(
      new Map([
        ['README.md', 'mine\n'],
        ['policies/old.yaml', 'portcullis: 1\n'],
      ]),
      async cwd => {
        const { exit, stderr, stdout } = await run(
          `portcullis init ${usual}; code=$?; find . -type f | sort; exit $code`,
          cwd,
        )
        expect(exit).toBe(1)
        expect(stderr.match(/^tool\/file-exists: .*/gm)).toEqual([
          'tool/file-exists: README.md exists, and nothing was written',
          'tool/file-exists: policies/old.yaml exists, and nothing was written',
        ])
        expect(stdout).toBe('./README.md\n./policies/old.yaml\n')
      },
    ),
  )

  test('a file where a folder is needed', slow, () =>
    inFolder(new Map([['.github', 'mine\n']]), async cwd => {
      const { exit, stderr, stdout } = await run(`portcullis init ${usual}; code=$?; find . -type f; exit $code`, cwd)
      expect([exit, stdout]).toEqual([1, './.github\n'])
      expect(stderr).toContain('tool/unwritable-file')
    }),
  )

  test.each(['+', '$SYS', 'a/b', ''])('a root that is none: %s', slow, first =>
    inFolder(nothing, async cwd => {
      const { exit, stderr } = await run(
        `portcullis init --yes --root="${first.replace(/\$/g, '\\$')}"; code=$?; ls -A; exit $code`,
        cwd,
      )
      expect(exit).toBe(64)
      expect(stderr).toContain('tool/bad-answer: the value for --root')
    }),
  )

  test('no terminal and no flags: names the flags and does not wait', slow, () =>
    inFolder(nothing, async cwd => {
      expect(await run('portcullis init </dev/null', cwd)).toMatchObject({
        exit: 64,
        stderr: expect.stringContaining('--root, --device-name, --operators are missing'),
      })
    }),
  )

  test('asks until an answer is one, and an empty line is the usual one', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()]
    const typed = ['#', 'site-a', 'san-uri', '']
    // every prompt ends so; the next line is typed when it is there
    output.on('data', chunk => String(chunk).endsWith(']: ') && input.write(`${typed.shift()}\n`))
    expect(await ask(questions, input, output)).toEqual({
      ok: true,
      value: { root: 'site-a', deviceName: 'san-uri', operators: 'none' },
    })
  })

  test('an input that ends is no answer', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()]
    input.end()
    expect(await ask(questions, input, output)).toMatchObject({ ok: false, problem: { code: 'tool/bad-answer' } })
  })

  test('the hook looks at what is staged: takes a good change and refuses a bad one', slow, () =>
    inFolder(nothing, async cwd => {
      const git = 'git -c user.name=a -c user.email=a@b.example'
      expect(
        (await run(`portcullis init ${usual} && git init -q && git config core.hooksPath .githooks`, cwd)).exit,
      ).toBe(0)
      const policy = join(cwd, 'policies/policy.yaml')
      const good = readFileSync(policy, 'utf8')
      // the hook finds the command where npm puts it
      const link =
        'mkdir -p node_modules/.bin && ln -s "$REPO/dist/tool/main.js" node_modules/.bin/portcullis && chmod +x "$REPO/dist/tool/main.js"'
      const first = await run(`${link} && ${git} add policies .githooks && ${git} commit -qm first`, cwd)
      expect(first).toMatchObject({ exit: 0 })
      writeFileSync(policy, good.replace('${device}/telemetry/#', '+/telemetry/#'))
      const bad = await run(`${git} commit -qam bad`, cwd)
      expect(bad.exit).not.toBe(0)
      expect(bad.stderr).toContain('policy/test-failed')
      const staged = await run(`${git} add policies && git show :policies/policy.yaml >/dev/null`, cwd)
      expect(staged.exit).toBe(0)
      writeFileSync(policy, good)
      expect((await run(`${git} commit -qm 'bad in the index, good in the folder'`, cwd)).exit).not.toBe(0)
      writeFileSync(policy, good.replace('maxQos: 1', 'maxQos: 2'))
      expect(await run(`${git} commit -qam good && git log --format=%s`, cwd)).toMatchObject({
        exit: 0,
        stdout: expect.stringContaining('good\nfirst\n'),
      })
    }),
  )

  test.each(ciFiles.map(file => [file.path, file.text]))('examples/ci/%s is what init writes', (path, text) => {
    expect(readFileSync(new URL(`examples/ci/${path}`, root), 'utf8')).toBe(text)
  })

  test('no expression of the workflow stands in a script', () => {
    const lines = (ciFiles[0]?.text ?? '').split('\n').filter(line => line.includes('${{'))
    expect(lines.length).toBeGreaterThan(0)
    expect(lines.filter(line => !/^ +[- ] ?[A-Z_]+: \$\{\{ [\w.]+ \}\}$/.test(line))).toEqual([])
  })
})
