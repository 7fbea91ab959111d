/** `policy bundle --sign KEY`: the set must load, tests and claims included, or nothing is written. */
import { access } from 'node:fs/promises'
import { keyPermissionNotes } from '../../accept/tls-files.ts'
import { PortcullisError, problem, type Result } from '../../problem.ts'
import { writeAtomically } from '../../provision/write-atomically.ts'
import { readBundle, type VerifiedBundle } from '../../source/bundle.ts'
import { readSigningKey } from '../../source/bundle-key.ts'
import { publicHalf } from '../../source/bundle-signature.ts'
import { makeBundle } from '../../source/make-bundle.ts'
import { issuerOptionsOf } from '../configured-issuers.ts'
import { exitCodes } from '../exit-codes.ts'
import { answer, answerJson, count, problemLines, say, sayProblems } from '../io.ts'
import { contentJson, contentLines } from './bundle-text.ts'

export interface SignOptions {
  readonly sign: string
  readonly out: string
  readonly version?: number
  readonly days?: number
  readonly config?: string
  readonly json: boolean
}

const daySeconds = 86_400

export async function signFolder(folder: string, options: SignOptions): Promise<void> {
  const signer = await readSigningKey(options.sign)
  for (const note of await keyPermissionNotes(options.sign)) for (const line of problemLines(note)) say(line)
  const previous = await previousBundle(options.out, { ...signer, key: publicHalf(signer.key) })
  const version = nextVersion(options, previous)
  const issuedAt = Math.floor(Date.now() / 1000)
  const expiresAt = options.days === undefined ? undefined : issuedAt + options.days * daySeconds
  const limits = await issuerOptionsOf(options.config)
  const made = await makeBundle({ folder, signer, version, issuedAt, expiresAt, options: limits })
  try {
    await writeAtomically(options.out, made.text)
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'no reason given'
    sayProblems([problem('tool/unwritable-file', `${options.out} cannot be written (${reason})`)])
    process.exitCode = exitCodes.failed
    return
  }
  const { policy, content } = made
  for (const note of policy.notes) say(note)
  if (options.json) answerJson(await contentJson(content, signer))
  else for (const line of await contentLines(content, signer)) answer(line)
  say(`signed ${options.out}: ${count(policy.rules, 'rule')}, ${count(policy.tests, 'test')} passed`, 'good')
}

/** The bundle that would be replaced: one of the same key, or nothing. */
async function previousBundle(out: string, key: Parameters<typeof readBundle>[1]): Promise<VerifiedBundle | undefined> {
  const isThere = await access(out).then(
    () => true,
    () => false,
  )
  if (!isThere) return undefined
  const previous: Result<VerifiedBundle> = await readBundle(out, key)
  if (previous.ok) return previous.value
  throw new PortcullisError([
    problem('tool/foreign-file', `${out} exists and is no bundle of this key (${previous.problem.code})`, {
      help: 'name another file with --out FILE, or move this one away',
    }),
  ])
}

/** Never a guess: a CI run without the last bundle would begin at 1 again, and every gate would refuse that. */
function nextVersion({ out, version }: SignOptions, previous: VerifiedBundle | undefined): number {
  const last = previous?.content.version
  if (version !== undefined && version > (last ?? 0)) return version
  if (version === undefined && last !== undefined) return last + 1
  const sentence =
    version === undefined ? `there is no bundle at ${out} to count on from` : `${out} has version ${last} already`
  const help =
    version === undefined
      ? 'give the first one --version 1; in CI --version "$GITHUB_RUN_NUMBER", or another number that only rises'
      : 'give a higher --version, or leave it out'
  throw new PortcullisError([problem('source/bundle-version', sentence, { help })])
}
