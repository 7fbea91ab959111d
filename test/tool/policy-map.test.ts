/** `policy map` as it is shipped: what it writes, and what it does not overwrite. */
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inFolder, run } from '../cli/script.ts'
import { ascii, expectClean, fileNames, topicLevels, word } from '../output-safety/fleet.ts'

const sample = 'cp -r "$REPO/policies" .'

test('writes one file that needs nothing else, the same every time', () =>
  inFolder(new Map(), async folder => {
    const first = await run(`${sample}; portcullis policy map && cp policy-map.html first.html`, folder)
    expect(first).toEqual({
      stdout: expect.stringMatching(/^policy-map\.html: 5 roles, 10 rules, revision [0-9a-f]{8}\n$/),
      stderr: '',
      exit: 0,
    })
    const page = await readFile(join(folder, 'first.html'), 'utf8')
    expect(page).toMatch(/^<!doctype html>\n<!-- portcullis policy map: /)
    expect(page).toContain('default-src &#39;none&#39;')
    expect(page).not.toMatch(/<(?:script|link|img|iframe|object|embed)\b|\ssrc=|url\(|@import/)
    // over its own work it writes without a question
    const again = await run('portcullis policy map policies && cmp policy-map.html first.html', folder)
    expect(again.exit).toBe(0)
    const { stdout } = await run('portcullis policy map policies --out -', folder)
    expect(stdout).toBe(page)
  }))

test('overwrites nothing that it did not make, unless told to', () =>
  inFolder(new Map([['notes.html', '<!doctype html>\n<p>mine</p>\n']]), async folder => {
    await run(sample, folder)
    const refused = await run('portcullis policy map --out notes.html', folder)
    expect(refused).toEqual({
      stdout: '',
      stderr: `tool/foreign-file: notes.html exists and is no policy map
  help: name another file with --out FILE, or overwrite it with --force
`,
      exit: 2,
    })
    expect(await readFile(join(folder, 'notes.html'), 'utf8')).toContain('mine')
    const forced = await run('portcullis policy map --out notes.html --force', folder)
    expect(forced.exit).toBe(0)
    expect(await readFile(join(folder, 'notes.html'), 'utf8')).not.toContain('mine')
  }))

test('an empty file and the beginning of a map are no map', () =>
  inFolder(
    new Map([
      ['empty.html', ''],
      ['begun.html', '<!doctype html>\n<!-- portcullis'],
    ]),
    async folder => {
      await run(sample, folder)
      for (const name of ['empty.html', 'begun.html']) {
        const { stderr, exit } = await run(`portcullis policy map --out ${name}`, folder)
        expect(stderr).toContain('tool/foreign-file')
        expect(exit).toBe(2)
      }
    },
  ))

test('writes to ordinary files only, even by force', () =>
  inFolder(new Map([['target.html', 'mine']]), async folder => {
    await run(`${sample}; mkfifo pipe`, folder)
    await mkdir(join(folder, 'folder'))
    await symlink('target.html', join(folder, 'link'))
    for (const name of ['pipe', 'folder', 'link', 'missing/map.html']) {
      const { stdout, stderr, exit } = await run(`portcullis policy map --force --out ${name}`, folder)
      expect(stderr).toContain(`tool/unwritable-file: ${name} cannot be written (`)
      expect({ stdout, exit }).toEqual({ stdout: '', exit: 1 })
    }
    expect(await readFile(join(folder, 'target.html'), 'utf8')).toBe('mine')
  }))

test('draws a set whose own tests fail, and none that does not load', () =>
  inFolder(new Map(), async folder => {
    await run(`${sample}; sed -i 's/^  sensor:/  sensr:/' policies/plant.yaml`, folder)
    const broken = await run('portcullis policy map', folder)
    expect(broken.stderr).toContain('policies/plant.yaml:')
    expect(broken.exit).toBe(3)
    const failing = `tests: [{ name: no, as: { identity: device, site: s1, device: d }, can: [{ publish: no }] }]`
    await run(`rm -r policies; ${sample}`, folder)
    await writeFile(join(folder, 'policies', 'failing.test.yaml'), `${failing}\n`)
    expect((await run('portcullis policy check', folder)).exit).not.toBe(0)
    expect((await run('portcullis policy map', folder)).exit).toBe(0)
  }))

test('hostile topics and names of folders: they stay text', () => {
  const rules = topicLevels
    .filter(level => !/[{}*]/.test(level))
    .map(level => `        - ${ascii(`plant/${level}/x`)}`)
    .join('\n')
  const yaml = `portcullis: 1
identities: { device: { from: { subject.cn: "\${device}" }, clientId: "\${device}", roles: [sensor] } }
roles:
  sensor:
    allow:
      - publish:
${rules}
`
  return inFolder(new Map(), async folder => {
    const name = fileNames.find(one => one.includes('<img')) ?? ''
    await mkdir(join(folder, name))
    await writeFile(join(folder, name, 'a.yaml'), yaml)
    const { stdout, stderr, exit } = await run(`portcullis policy map --out - -- ${word(name)}`, folder)
    expect({ stderr, exit }).toEqual({ stderr: '', exit: 0 })
    expectClean(stdout)
    expect(stdout).not.toMatch(/<script|<img|javascript:/i)
    expect(stdout).toContain('&lt;img src=x onerror=alert(1)&gt;')
  })
})
