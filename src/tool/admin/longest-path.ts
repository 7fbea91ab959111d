/** How long the path of a unix socket may be: a longer one would be cut by the system, and be another's. */
import { type Problem, problem } from '../../problem.ts'
import { shownPath } from '../ca/ca-text.ts'

/** Bytes of `sun_path` without its NUL (unix(7)). */
export const longestPath: number = process.platform === 'darwin' ? 103 : 107

/** `most`: bytes. */
export function tooLong(path: string, most: number = longestPath): Problem | undefined {
  const length = Buffer.byteLength(path)
  if (length <= most) return undefined
  const sentence = `the path of the admin socket ${shownPath(path)} has ${length} bytes, and the system takes ${most}`
  return problem('config/admin-path', sentence, {
    help: 'name a shorter one, such as --admin /run/portcullis/admin.sock',
  })
}
