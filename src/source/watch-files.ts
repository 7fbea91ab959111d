/** Watches single files by their folder, so that a file replaced by `rename` (as every careful writer does) is noticed. */
import { basename, dirname, resolve } from 'node:path'
import { watch } from 'chokidar'

export interface FileWatcher {
  close(): Promise<void>
}

/** Kubernetes swaps mounted files by renaming this link beside them; the files themselves do not change. */
const mountedVolumeLink = '..data'

/**
 * Calls `onChange` once changes of any of the files (written, replaced, removed) have settled. Resolves when it watches.
 * @example const watcher = await watchFiles(['/etc/portcullis/acme.crl'], () => void revocations.reload())
 */
export async function watchFiles(
  paths: readonly string[],
  onChange: () => void,
  settleMs: number = 200,
): Promise<FileWatcher> {
  const files = new Set(paths.map(path => resolve(path)))
  const folders = new Set([...files].map(file => dirname(file)))
  const isWatched = (path: string): boolean => files.has(resolve(path)) || basename(path) === mountedVolumeLink
  const watcher = watch([...folders], {
    depth: 0,
    ignoreInitial: true,
    ignored: path => !folders.has(resolve(path)) && !isWatched(path),
  })
  let timer: NodeJS.Timeout | undefined
  watcher.on('all', (_event, path) => {
    if (!isWatched(path)) return
    clearTimeout(timer)
    timer = setTimeout(onChange, settleMs)
  })
  await new Promise<void>(done => watcher.once('ready', () => done()))
  return {
    close: async () => {
      clearTimeout(timer)
      await watcher.close()
    },
  }
}
