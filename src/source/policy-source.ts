/** Where the policy set of a gate comes from: a folder, or a signed bundle. A gate asks for whole sets and is told of changes. */
import { isDeepStrictEqual } from 'node:util'
import type { Issuers } from '../accept/issuers.ts'
import { PolicyError, type Problem, problem } from '../problem.ts'
import { displayFolder, readPolicyFolder, watchPolicyFolder } from './folder.ts'
import { loadPolicyTextsApart } from './load-apart.ts'
import { type FolderOptions, type LoadedPolicy, loadPolicyTexts } from './load-texts.ts'

export interface PolicySource {
  /** Rejects with PolicyError where there is no set that may be put in force; whoever asked keeps the one before. */
  load(options: FolderOptions): Promise<LoadedPolicy>
  /** Calls back whenever loading anew may give another answer. */
  watch(onChange: () => void): Promise<{ close(): Promise<void> }>
}

/** What policies are loaded for: the issuers as they are configured now. */
export function loadOptions({ names, limits }: Issuers): FolderOptions {
  return { issuers: names, limits }
}

/** A folder as a source. While nothing has changed, what was loaded last is still the answer: tests and proofs take their time. */
export function folderSource(folder: string): PolicySource {
  let last: { readonly from: unknown; readonly policy: LoadedPolicy } | undefined
  return {
    load: async options => {
      const { files, problems } = await readPolicyFolder(folder)
      const from = { files, problems, options }
      if (last === undefined || !isDeepStrictEqual(from, last.from)) {
        const shown = displayFolder(folder)
        // at a start there is nobody to hold up
        const policy =
          last === undefined
            ? loadPolicyTexts(files, shown, options, problems)
            : await loadPolicyTextsApart({ files, shown, options, readProblems: problems })
        last = { from, policy }
      }
      return last.policy
    },
    watch: onChange => watchPolicyFolder(folder, onChange),
  }
}

/** Loads anew after a change: what is wrong with the set is an answer. */
export function reloadPolicies(
  source: PolicySource,
  options: FolderOptions,
): Promise<{ readonly policy: LoadedPolicy } | { readonly problems: readonly Problem[] }> {
  return source.load(options).then(
    policy => ({ policy }),
    (error: unknown) => ({
      problems:
        error instanceof PolicyError
          ? error.problems
          : [problem('enforce/internal', error instanceof Error ? error.message : String(error))],
    }),
  )
}
