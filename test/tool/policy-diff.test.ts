import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { markdownCode } from '../../src/observe/escape-markdown.ts'

const command = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))
const policy = (filter: string): string => `portcullis: 1
identities:
  device: { from: { subject.cn: "\${device}" }, clientId: "\${device}", roles: [sensor] }
roles:
  sensor: { allow: [ { publish: ${filter} } ] }
`

describe('policy diff of git revisions', () => {
  let folder = ''
  const git = (...words: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.example', ...words], {
      cwd: folder,
      encoding: 'utf8',
    })
  const commit = (filter: string): void => {
    writeFileSync(join(folder, 'policies', 'plant.yaml'), policy(filter))
    git('add', '.')
    git('commit', '-qm', filter)
  }
  const diff = (...words: readonly string[]): { out: string; exit: number } => {
    try {
      return {
        out: execFileSync('node', [command, 'policy', 'diff', ...words], {
          cwd: folder,
          encoding: 'utf8',
          stdio: 'pipe',
        }),
        exit: 0,
      }
    } catch (error) {
      const { stdout, stderr, status } = error as { stdout: string; stderr: string; status: number }
      return { out: stdout + stderr, exit: status }
    }
  }

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-diff-'))
    mkdirSync(join(folder, 'policies'))
    git('init', '-qb', 'main')
    commit('"a/${device}"')
    git('checkout', '-qb', 'change')
    commit('"+/${device}"')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('is what docs/policy-language.md shows', () => {
    const page = readFileSync(new URL('../../docs/policy-language.md', import.meta.url), 'utf8')
    const [, command, shown] = /```text\n\$ npx portcullis policy diff (.*)\n([^`]*)```/.exec(page) ?? []
    expect(command).toBe('main..HEAD')
    expect(diff('main..HEAD').out).toBe(shown)
  })

  test('main..HEAD, for a pull request', () => {
    expect(diff('main..HEAD', '--fail-on', 'gain')).toEqual({
      out: '+ every device gains publish +/${device}\n    for example device:device=device-1 x1/device-1   HEAD:policies/plant.yaml:5:24\n',
      exit: 2,
    })
  })

  test('main...HEAD: what the branch changes, whatever main has done since', () => {
    expect(diff('main...HEAD').out).toContain('gains publish +/${device}')
    expect(diff('nowhere...HEAD')).toMatchObject({ out: expect.stringContaining('no commit in common'), exit: 3 })
  })

  test('a revision against the folder as it is', () => {
    expect(diff('HEAD').out).toBe('nobody gains or loses anything\n')
    expect(diff('main').out).toContain('gains publish +/${device}')
  })

  test('a revision without the folder, and one that nobody knows', () => {
    expect(diff('main', '--policies', 'elsewhere')).toMatchObject({
      out: expect.stringContaining('tool/bad-revision'),
      exit: 3,
    })
    expect(diff('no-such..HEAD')).toMatchObject({ out: expect.stringContaining('tool/bad-revision'), exit: 3 })
  })

  test('a revision that looks like an option is none', () => {
    expect(diff('--', '--output=x..HEAD')).toMatchObject({ out: expect.stringContaining('neither'), exit: 3 })
  })
})

test('Markdown: a name can neither format, link, mention nor leave its cell', () => {
  expect(markdownCode('a|b`c`<img src=x>@team #1 [x](y)\u202e\u001b').slice(6, -7)).not.toMatch(
    /[|`<>@[\]\u202e\u001b]/,
  )
  expect(markdownCode('a|b')).toBe('<code>a&#124;b</code>')
})
