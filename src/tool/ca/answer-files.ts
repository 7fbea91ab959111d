/** Files that go from the machine of an issuing CA to that of its root and back. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { ConfigurationError, type ProblemCode, problem } from '../../problem.ts'
import { stageFiles } from '../../provision/staged-files.ts'

/** Throws ConfigurationError where the file cannot be read. */
export async function readBytes(file: string, what: string, code: ProblemCode): Promise<Buffer> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new ConfigurationError([problem(code, `the ${what} cannot be read (${error.code})`, { where: { file } })])
  })
}

/** A new file that anybody may read; nothing is overwritten. */
export async function writePublic(file: string, content: string): Promise<void> {
  const staged = await stageFiles([{ path: resolve(file), content, mode: 0o644 }])
  await staged.publish()
}
