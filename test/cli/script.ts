/**
 * Scripts of the command line: files `-- NAME --`, then `$ portcullis …` with the output that it must give. A line of
 * output that begins with `! ` is of stderr; `...` stands for any text within a line, alone on a line for any lines;
 * `[exit N]` ends what is expected, 0 where it is absent. `# …` lines between commands are remarks.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Step {
  readonly command: string
  readonly line: number
  readonly stdout: readonly string[]
  readonly stderr: readonly string[]
  readonly exit: number
}

export interface Script {
  readonly files: ReadonlyMap<string, string>
  readonly steps: readonly Step[]
}

/** Reads a script: files first, then commands after a line `-- commands --`. */
export function parseScript(text: string): Script {
  const files = new Map<string, string>()
  const steps: { command: string; line: number; stdout: string[]; stderr: string[]; exit: number }[] = []
  let section: string | undefined
  for (const [index, line] of text.replace(/\n$/, '').split('\n').entries()) {
    const header = /^-- (.+) --$/.exec(line)?.[1]
    const step = steps.at(-1)
    if (header !== undefined) section = header
    else if (section === undefined) continue
    else if (section !== 'commands') files.set(section, `${files.get(section) ?? ''}${line}\n`)
    else if (line.startsWith('$ '))
      steps.push({ command: line.slice(2), line: index + 1, stdout: [], stderr: [], exit: 0 })
    else if (step === undefined || line.startsWith('# ') || line === '') continue
    else if (/^\[exit \d+\]$/.test(line)) step.exit = Number(line.slice(6, -1))
    else if (line.startsWith('! ')) step.stderr.push(line.slice(2))
    else step.stdout.push(line)
  }
  return { files, steps }
}

/** Runs `use` in a fresh folder that holds the script's files. */
export async function inFolder<T>(files: Script['files'], use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-cli-'))
  try {
    for (const [name, text] of files) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), text)
    }
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export interface Output {
  readonly stdout: string
  readonly stderr: string
  readonly exit: number
}

const main = fileURLToPath(new URL('../../dist/tool/main.js', import.meta.url))

/** Runs one command line in bash, `portcullis` being the built command. */
export function run(command: string, folder: string): Promise<Output> {
  const script = `portcullis() { '${process.execPath}' '${main}' "$@"; }\n${command}`
  const env = { PATH: process.env['PATH'], REPO: fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '') }
  return new Promise(resolve => {
    execFile('bash', ['--norc', '-c', script], { cwd: folder, env }, (error, stdout, stderr) => {
      const code = error?.code
      resolve({ stdout, stderr, exit: error === null ? 0 : typeof code === 'number' ? code : -1 })
    })
  })
}

/** Whether the text is the expected lines, `...` being any text. */
export function fits(expected: readonly string[], text: string): boolean {
  const pattern = expected
    .map(line => (line === '...' ? '(?:.*\\n)*?' : `${line.split('...').map(escapeRegExp).join('.*')}\\n`))
    .join('')
  return new RegExp(`^${pattern}$`).test(text)
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
