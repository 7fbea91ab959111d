/** deploy/portcullis.service, as systemd itself reads it, and as `serve` needs it. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readOperate } from '../../src/tool/operate/operate-settings.ts'
import { root } from '../support/files.ts'

const unit = readFileSync(new URL('deploy/portcullis.service', root), 'utf8')
const setting = (key: string): string | undefined => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1]
const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' })
const hasSystemd = analyze('--version').status === 0
if (!hasSystemd)
  console.warn('SKIPPED: deploy/portcullis.service is not verified, since there is no systemd-analyze here')

const folder = mkdtempSync(join(tmpdir(), 'portcullis-unit-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.skipIf(!hasSystemd)('systemd-analyze', () => {
  const file = join(folder, 'portcullis.service')
  // it looks for what is started, and that is not installed here
  const write = (text: string): void => writeFileSync(file, text.replace('/usr/local/bin/portcullis', '/bin/true'))

  test('verify finds nothing', () => {
    write(unit)
    const { status, stdout, stderr } = analyze('verify', '--man=no', file)
    expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' })
  })

  test('verify finds a mistake: it can fail', () => {
    write(unit.replace('ProtectSystem=strict', 'ProtectSystm=strict'))
    expect(analyze('verify', '--man=no', file).stderr).toContain('ProtectSystm')
  })

  test('security finds little that it could still do', () => {
    write(unit)
    const { status, stdout } = analyze('security', '--offline=true', '--threshold=20', '--no-pager', file)
    expect(stdout).toContain('Overall exposure level')
    expect(status).toBe(0)
  })
})

test('has what it must not lose', () => {
  expect(unit).toMatch(/^ExecReload=\/bin\/kill -HUP \$MAINPID$/m)
  for (const [key, value] of Object.entries({
    NoNewPrivileges: 'yes',
    ProtectSystem: 'strict',
    StateDirectory: 'portcullis',
    CapabilityBoundingSet: '',
    RestartPreventExitStatus: '3 64',
  }))
    expect(`${key}=${setting(key)}`).toBe(`${key}=${value}`)
  expect(setting('User')).not.toMatch(/^(?:root|0)?$/)
})

test('waits longer than a drain takes', () => {
  const { graceSeconds, drainSeconds } = readOperate(undefined)
  expect(Number(setting('TimeoutStopSec'))).toBeGreaterThan(graceSeconds + drainSeconds)
})
