/** Policies of a git revision, read without a checkout: `main:policies`. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ConfigurationError, problem } from '../problem.ts'
import { isEditorLeftover } from './folder.ts'
import { type FolderOptions, type LoadedPolicy, loadPolicyTexts } from './load-texts.ts'

const run = promisify(execFile)
const mostBytes = 64 * 1024 * 1024

/** Arguments go to git as they are, never through a shell; a revision that looks like an option is none. */
async function git(cwd: string, ...words: readonly string[]): Promise<string> {
  const { stdout } = await run('git', words, { cwd, maxBuffer: mostBytes, encoding: 'utf8' })
  return stdout
}

function failed(sentence: string, error: unknown): ConfigurationError {
  const { code, stderr } = error as { code?: unknown; stderr?: string }
  const why =
    code === 'ENOENT'
      ? 'git is not installed'
      : (stderr ?? '')
          .trim()
          .split('\n')[0]
          ?.replace(/^fatal: /, '')
  return new ConfigurationError([
    problem('tool/bad-revision', `${sentence}${why ? `: ${why}` : ''}`, {
      help: 'name a folder, a revision (`main`), or two (`main..HEAD`), inside a git repository',
    }),
  ])
}

/** Whether git knows the revision. */
export async function isRevision(text: string, cwd: string): Promise<boolean> {
  if (text.startsWith('-')) return false
  return git(cwd, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${text}^{commit}`).then(
    () => true,
    () => false,
  )
}

/** Their latest common commit: what a pull request is compared with. */
export async function mergeBase(a: string, b: string, cwd: string): Promise<string> {
  return (
    await git(cwd, 'merge-base', '--end-of-options', a, b).catch(error => {
      throw failed(`${a} and ${b} have no commit in common`, error)
    })
  ).trim()
}

/**
 * Loads the policy folder as it was at a revision.
 * @example await loadPolicyRevision('main', 'policies', process.cwd())
 */
export async function loadPolicyRevision(
  revision: string,
  folder: string,
  cwd: string,
  options: FolderOptions = {},
): Promise<LoadedPolicy> {
  const path = folder.replace(/\/+$/, '')
  const shown = `${revision}:${path}`
  const listed = await git(cwd, 'ls-tree', '-z', '--full-name', `${revision}:./${path}`).catch(error => {
    throw failed(`${shown} cannot be read`, error)
  })
  const entries = listed.split('\0').flatMap(line => {
    const [, type, id, name] = /^\d+ (\w+) ([0-9a-f]+)\t(.*)$/s.exec(line) ?? []
    return type === undefined || id === undefined || name === undefined ? [] : { type, id, name }
  })
  const files = await Promise.all(
    entries
      .filter(({ name }) => !isEditorLeftover(name))
      // what is no file is refused by the loader, as in a folder
      .map(async ({ type, id, name }) =>
        type === 'blob' ? { name, text: await git(cwd, 'cat-file', 'blob', id) } : { name: `${name}/`, text: '' },
      ),
  )
  return loadPolicyTexts(files, shown, options)
}
