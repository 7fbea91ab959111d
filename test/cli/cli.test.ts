/** The command as it is shipped: what it prints, where, and its exit code, from the scripts beside this file. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { fits, inFolder, parseScript, run } from './script.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const timeoutMs = 120_000

describe.concurrent('scripts', () => {
  for (const name of readdirSync(folder).filter(file => file.endsWith('.txt'))) {
    const { files, steps } = parseScript(readFileSync(`${folder}/${name}`, 'utf8'))
    test(name, { timeout: timeoutMs }, async () => {
      expect(steps.length).toBeGreaterThan(0)
      await inFolder(files, async cwd => {
        for (const step of steps) {
          const output = await run(step.command, cwd)
          const isRight =
            fits(step.stdout, output.stdout) && fits(step.stderr, output.stderr) && output.exit === step.exit
          // on a difference, show both whole
          if (!isRight) {
            const expected = { stdout: step.stdout.join('\n'), stderr: step.stderr.join('\n'), exit: step.exit }
            expect({ ...output, at: `${name}:${step.line}` }).toEqual({ ...expected, at: `${name}:${step.line}` })
          }
        }
      })
    })
  }
})
