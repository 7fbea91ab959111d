/** A page of docs/ as a person would follow it: its `sh` blocks, run in one folder with `portcullis` at hand. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

const main = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))

export class Tour {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'portcullis-tour-'))
  readonly blocks: readonly string[]

  /** `page` is below docs/. The sample policies are in the folder. */
  constructor(page: string) {
    const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8')
    this.blocks = [...text.matchAll(/^ *```sh\n(.*?)^ *```$/gms)].map(match => match[1] ?? '')
    cpSync(new URL('../../policies', import.meta.url), join(this.folder, 'policies'), { recursive: true })
    const script = `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`
    writeFileSync(join(this.folder, 'portcullis'), script, { mode: 0o755 })
  }

  get #env(): NodeJS.ProcessEnv {
    return { ...process.env, PATH: `${this.folder}:${process.env['PATH']}` }
  }

  shell(script: string): Promise<{ exit: number; stdout: string; stderr: string }> {
    return new Promise(resolve => {
      execFile('sh', ['-e', '-c', script], { cwd: this.folder, env: this.#env }, (error, stdout, stderr) =>
        resolve({ exit: error === null ? 0 : Number(error.code), stdout, stderr }),
      )
    })
  }

  /** Its stdout; it must end with exit code 0. */
  async run(script: string): Promise<string> {
    const { exit, stdout, stderr } = await this.shell(script)
    expect(`${script}: ${exit}\n${exit === 0 ? '' : stderr}`).toBe(`${script}: 0\n`)
    return stdout
  }

  /** One command that stays; signals reach it. */
  stay(command: string): ChildProcess {
    return spawn('sh', ['-c', `exec ${command}`], {
      cwd: this.folder,
      env: this.#env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
  }

  text(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8')
  }

  /** What a device connects with; it trusts what pump-12 trusts. */
  credentials(name: string, key = name): { readonly key: string; readonly cert: string; readonly ca: string } {
    return { key: this.text(`${key}.key`), cert: this.text(`${name}.pem`), ca: this.text('pump-12.ca.pem') }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
