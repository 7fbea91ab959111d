/** The thread in which a running broker loads a changed policy set. */
import { parentPort, workerData } from 'node:worker_threads'
import { PolicyError } from '../problem.ts'
import type { LoadAnswer, LoadTask } from './load-apart.ts'
import { loadPolicyTexts } from './load-texts.ts'

function answerTo({ files, shown, options, readProblems }: LoadTask): LoadAnswer {
  try {
    return { policy: loadPolicyTexts(files, shown, options, readProblems) }
  } catch (error) {
    if (error instanceof PolicyError) return { problems: error.problems }
    throw error
  }
}

parentPort?.postMessage(answerTo(workerData as LoadTask))
