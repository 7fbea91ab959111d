/** The thread that compares two policy sets: a comparison may take a minute, and a live broker has none. */
import { parentPort, workerData } from 'node:worker_threads'
import type { PolicySet } from '../../policy/model.ts'
import { diffPolicies } from '../../prove/diff/diff-policies.ts'
import { diffHeadlines } from '../diff/diff-text.ts'

/** What the thread is given. */
export interface Comparison {
  readonly before: PolicySet
  readonly after: PolicySet
}

const { before, after } = workerData as Comparison
const compared = diffPolicies(before, after)
parentPort?.postMessage(compared.ok ? diffHeadlines(compared.value) : [compared.problem.sentence])
