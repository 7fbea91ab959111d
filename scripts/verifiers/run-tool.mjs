/** Runs a tool to its end; never through a shell. */
import { spawnSync } from 'node:child_process'

const seconds = 60

/** @returns {{ readonly status: number | null, readonly said: string }} `said`: stdout, then stderr */
export function runTool(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: seconds * 1000,
    input: '',
    ...options,
  })
  return { status, said: error === undefined ? `${stdout}${stderr}` : String(error) }
}

/** Why a tool cannot be used; undefined where it can. */
export function missingTool(command, debianPackage) {
  const isThere = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', command], { encoding: 'utf8' }).status === 0
  return isThere ? undefined : `no ${command} here (Debian: apt-get install ${debianPackage})`
}
