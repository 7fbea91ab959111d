/** All files of a new policy repository, and writing them: every one, or none. Nothing is ever overwritten. */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Problem, problem } from '../../problem.ts'
import { type NewFile, type Unwritten, writeNewFiles } from '../write-new-files.ts'
import type { Answers } from './answers.ts'
import { hookText, preCommitText, workflowText } from './ci-text.ts'
import { policyTestText, policyText } from './policy-text.ts'

/** Files that do not depend on the answers: `examples/ci/` shows them. */
export const ciFiles: readonly NewFile[] = [
  { path: '.github/workflows/policy.yml', text: workflowText },
  { path: '.githooks/pre-commit', text: hookText, executable: true },
  { path: '.pre-commit-config.yaml', text: preCommitText },
]

const configurationText = `# What \`portcullis serve\` starts with. File names are relative to this file; keys do not belong into a repository.
listen: { port: 8883 }
tls: { certFile: certs/broker.pem, keyFile: certs/broker.key }
issuers:
  # who makes the certificates of your devices; with more than one, each identity of the policies names its \`issuer:\`
  fleet: { certificates: [certs/issuing.pem], root: certs/root.pem }
`

const readmeText = `# Policies

| file                           | what it is                                                             |
| ------------------------------ | ---------------------------------------------------------------------- |
| \`policies/policy.yaml\`         | who is who, and who may do what                                        |
| \`policies/policy.test.yaml\`    | its tests and claims; the set is not loaded while one of them fails    |
| \`portcullis.config.yaml\`       | whose certificates count, where to listen: name your own files         |
| \`.github/workflows/policy.yml\` | checks every push, and says on a pull request who gains and loses what |
| \`.githooks/pre-commit\`         | refuses a commit of policies that are wrong                            |
| \`.pre-commit-config.yaml\`      | the same for https://pre-commit.com                                    |

Once: \`npm install --save-dev portcullis\` (commit package.json and package-lock.json, and keep node_modules/ out of git), and
\`git config core.hooksPath .githooks\`. Then:

    npx --no -- portcullis policy check --strict    # everything that loading does; every mistake in one run
    npx --no -- portcullis policy test              # the tests, one line each
    npx --no -- portcullis policy prove             # the claims, for every certificate that there can be
    npx --no -- portcullis policy diff HEAD         # who gains and who loses what by your change
`

/** @example newFiles({ root: 'plant', deviceName: 'cn', operators: 'none' }).map(file => file.path) */
export function newFiles(answers: Answers): readonly NewFile[] {
  return [
    { path: 'policies/policy.yaml', text: policyText(answers) },
    { path: 'policies/policy.test.yaml', text: policyTestText(answers) },
    { path: 'portcullis.config.yaml', text: configurationText },
    ...ciFiles,
    { path: 'README.md', text: readmeText },
  ]
}

/** Writes all files, or none where one exists: then a problem for each. */
export async function writeNew(folder: string, files: readonly NewFile[]): Promise<readonly Problem[]> {
  const present = await existing(folder, files)
  if (present.length > 0) return present
  const failed = await writeNewFiles(folder, files)
  return failed === undefined ? [] : [unwritable(failed)]
}

/** What is there already: our files, and anything else among the policies, since all of a folder is one set. */
async function existing(folder: string, files: readonly NewFile[]): Promise<readonly Problem[]> {
  const others = await readdir(join(folder, 'policies')).catch(ifAbsent([]))
  const paths = new Set([...files.map(({ path }) => path), ...others.map(name => `policies/${name}`)])
  const found: Problem[] = []
  for (const path of paths) {
    const facts = await lstat(join(folder, path)).catch(ifAbsent(undefined))
    if (facts !== undefined)
      found.push(problem('tool/file-exists', `${join(folder, path)} exists, and nothing was written`))
  }
  return found
}

/** A file where a folder is needed is told when the folder is made. */
function ifAbsent<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return error => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error
    return value
  }
}

function unwritable({ file, code }: Unwritten): Problem {
  return problem('tool/unwritable-file', `${file} cannot be written (${code}), and nothing was`, {
    help: 'name a folder that you may write to',
  })
}
