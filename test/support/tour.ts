/** A page of docs/ as it stands, its blocks run one by one in a folder of their own, `portcullis` being the built command. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { root } from './files.ts'
import type { Credentials } from './raw-client.ts'

export interface Ran {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

export interface Tour {
  /** Holds a copy of the sample policies. */
  readonly folder: string
  /** The `sh` blocks of the page, in order. */
  readonly blocks: readonly string[]
  /** Environment of everything that is run. */
  readonly env: NodeJS.ProcessEnv
  /** Runs a script, which ends at its first command that fails. */
  shell(script: string): Promise<Ran>
  /** Runs a script that must succeed, and returns its stdout. */
  run(script: string | undefined): Promise<string>
  /** One command that stays; signals reach it. */
  stay(command: string): ChildProcess
  /** The text of a file of the folder. */
  text(name: string): string
  /** What a device connects with; it trusts what pump-12 trusts. */
  credentials(name: string): Credentials
  close(): void
}

/** @example const tour = openTour('docs/provisioning.md') */
export function openTour(page: string): Tour {
  const markdown = readFileSync(new URL(page, root), 'utf8')
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-tour-'))
  cpSync(new URL('policies', root), join(folder, 'policies'), { recursive: true })
  const main = fileURLToPath(new URL('dist/tool/main.js', root))
  writeFileSync(join(folder, 'portcullis'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, { mode: 0o755 })
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` }
  const text = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const shell: Tour['shell'] = script =>
    new Promise(resolve => {
      execFile('sh', ['-e', '-c', script], { cwd: folder, env }, (error, stdout, stderr) =>
        resolve({ exit: error === null ? 0 : Number(error.code), stdout, stderr }),
      )
    })
  return {
    folder,
    blocks: [...markdown.matchAll(/^ *```sh\n(.*?)^ *```$/gms)].map(match => match[1] ?? ''),
    env,
    shell,
    run: async (script = 'false: the page has no such block') => {
      const { exit, stdout, stderr } = await shell(script)
      expect(`${script}: ${exit}\n${exit === 0 ? '' : stderr}`).toBe(`${script}: 0\n`)
      return stdout
    },
    stay: command => spawn('sh', ['-c', `exec ${command}`], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] }),
    text,
    credentials: name => ({ key: text(`${name}.key`), cert: text(`${name}.pem`), ca: text('pump-12.ca.pem') }),
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}
