/** Where the policy set of a gate comes from: a folder, or a signed bundle. A gate asks for whole sets and is told of changes. */
import { PolicyError, type Problem, problem } from '../problem.ts'
import { loadPolicyFolder, watchPolicyFolder } from './folder.ts'
import type { FolderOptions, LoadedPolicy } from './load-texts.ts'

export interface PolicySource {
  /** Rejects with PolicyError where there is no set that may be put in force; whoever asked keeps the one before. */
  load(options: FolderOptions): Promise<LoadedPolicy>
  /** Calls back whenever loading anew may give another answer. */
  watch(onChange: () => void): Promise<{ close(): Promise<void> }>
}

/** A folder as a source. */
export function folderSource(folder: string): PolicySource {
  return {
    load: options => loadPolicyFolder(folder, options),
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
