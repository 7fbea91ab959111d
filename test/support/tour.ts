/** A page of docs/ as it stands: its shell blocks, run in one folder with the built command on the path and the sample policies. */
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

export interface Ran {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

export interface Tour {
  readonly folder: string
  /** The shell blocks of the page, in order. */
  readonly blocks: readonly string[]
  /** Environment of everything that is run. */
  readonly env: NodeJS.ProcessEnv
  shell(script: string): Promise<Ran>
  /** What a script says that must not fail. */
  run(script: string): Promise<string>
  text(name: string): string
  close(): void
}

const main = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))

/** @param page name of a file in docs/ */
export function openTour(page: string): Tour {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-tour-'))
  cpSync(new URL('../../policies', import.meta.url), join(folder, 'policies'), { recursive: true })
  writeFileSync(join(folder, 'portcullis'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, { mode: 0o755 })
  const markdown = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8')
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` }
  const shell = (script: string): Promise<Ran> =>
    new Promise(resolve => {
      execFile('sh', ['-e', '-c', script], { cwd: folder, env }, (error, stdout, stderr) =>
        resolve({ exit: error === null ? 0 : Number(error.code), stdout, stderr }),
      )
    })
  return {
    folder,
    blocks: [...markdown.matchAll(/^```sh\n(.*?)^```$/gms)].map(match => match[1] ?? ''),
    env,
    shell,
    run: async script => {
      const { exit, stdout, stderr } = await shell(script)
      expect(`${script}: ${exit}\n${exit === 0 ? '' : stderr}`).toBe(`${script}: 0\n`)
      return stdout
    },
    text: name => readFileSync(join(folder, name), 'utf8'),
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}
