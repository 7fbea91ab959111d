/** The thread that makes keys and signs for a batch. It has the key of the authority as an object, and writes nothing anywhere. */
import { parentPort, workerData } from 'node:worker_threads'
import { PortcullisError } from '../../problem.ts'
import { rememberSpki } from '../keys.ts'
import { type CertifyContext, certifyDevice, makeDeviceKeys } from './make-device.ts'
import type { WorkerReply } from './worker-pool.ts'
import type { WorkshopAnswer, WorkshopTask } from './workshop.ts'

const context = workerData as CertifyContext

async function work(task: WorkshopTask): Promise<WorkshopAnswer> {
  if ('make' in task) return { keys: makeDeviceKeys(task.make, task.count) }
  for (const { key } of task.certify) rememberSpki(key.publicKey, key.spki)
  return { certified: await Promise.all(task.certify.map(order => certifyDevice(order, context))) }
}

parentPort?.on('message', async (task: WorkshopTask) => {
  const reply: WorkerReply<WorkshopAnswer> = await work(task).then(
    value => ({ ok: true, value }) as const,
    (error: unknown) => ({
      ok: false,
      problems: error instanceof PortcullisError ? error.problems : undefined,
      message: error instanceof Error ? error.message : String(error),
    }),
  )
  parentPort?.postMessage(reply)
})
