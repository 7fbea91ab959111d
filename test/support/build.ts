/**
 * Builds `dist/` once per test run: Node 20 cannot run TypeScript, and the command is tested as it is shipped. With `DIST_IS_BUILT=1`,
 * whoever runs the tests has done so.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export function setup(): void {
  if (process.env.DIST_IS_BUILT === '1') return
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const built = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
    cwd: root,
    encoding: 'utf8',
  })
  // tsc writes its output even so: only the tests that need what is broken fail, and `npm run lint` insists on types
  if (built.status !== 0) console.error(`the build has type errors:\n${built.stdout}${built.stderr}`)
}
