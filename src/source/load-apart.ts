/**
 * Policies loaded beside the work of a running broker: reading YAML and proving claims take from milliseconds to seconds, in which
 * nobody would have a turn at the event loop. A policy set is plain data, and comes back from the thread in one piece.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { PolicyFile } from '../policy/policy-files.ts'
import { PolicyError, type Problem } from '../problem.ts'
import { type FolderOptions, type LoadedPolicy, loadPolicyTexts } from './load-texts.ts'

/** What the thread is given, and what it answers. */
export interface LoadTask {
  readonly files: readonly PolicyFile[]
  readonly shown: string
  readonly options: FolderOptions
  readonly readProblems: readonly Problem[]
}
export type LoadAnswer = { readonly policy: LoadedPolicy } | { readonly problems: readonly Problem[] }

const workerUrl = new URL('./load-worker.js', import.meta.url)

/**
 * As `loadPolicyTexts`, in a thread. Where there can be none (the file of the thread is missing, as in a bundle of a host's own; the system
 * gives no thread), it is loaded here: a little later is better than not at all.
 */
export async function loadPolicyTextsApart(task: LoadTask): Promise<LoadedPolicy> {
  const answer = await answerOf(task)
  if (answer === undefined) return loadPolicyTexts(task.files, task.shown, task.options, task.readProblems)
  if ('problems' in answer) throw new PolicyError(answer.problems)
  return answer.policy
}

/** Undefined where the thread has none. */
function answerOf(task: LoadTask): Promise<LoadAnswer | undefined> {
  if (!existsSync(fileURLToPath(workerUrl))) return Promise.resolve(undefined)
  return new Promise(resolve => {
    const worker = new Worker(workerUrl, { workerData: task })
    const none = (): void => resolve(undefined)
    worker.once('message', (answer: LoadAnswer) => resolve(answer))
    worker.once('messageerror', none)
    worker.once('error', none)
    worker.once('exit', none)
  })
}
