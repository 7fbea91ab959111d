/** How far a batch is: a bar on a terminal, a line now and then elsewhere; on stderr. */
import { count, say } from '../io.ts'

export interface Progress {
  readonly show: (done: number) => void
  /** May be called twice. */
  readonly end: () => void
}

/** Lines where there is no terminal: one for each tenth. */
const linesInAll = 10

export async function openProgress(total: number): Promise<Progress> {
  if (process.stderr.isTTY !== true) return lines(total)
  const { SingleBar, Presets } = (await import('cli-progress')).default
  const bar = new SingleBar(
    { format: '{bar} {value}/{total} · {eta_formatted} left', stream: process.stderr, clearOnComplete: true },
    Presets.shades_classic,
  )
  bar.start(total, 0)
  return { show: done => bar.update(done), end: () => bar.stop() }
}

function lines(total: number): Progress {
  let told = 0
  const show = (done: number): void => {
    const tenth = Math.floor((done * linesInAll) / total)
    if (tenth === told || done === total) return
    told = tenth
    say(`${done} of ${count(total, 'device')}`)
  }
  return { show, end: () => undefined }
}
