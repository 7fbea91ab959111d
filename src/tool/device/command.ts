/** `portcullis device`: certificates of devices, from the policy set that the gate enforces. */
import type { Command } from 'commander'
import { addExitCodes } from '../help.ts'
import { addDeviceExport } from './export.ts'
import { addDeviceIssue } from './issue.ts'
import { addDeviceList } from './list.ts'
import { addDeviceRenew } from './renew.ts'
import { addDeviceRevoke } from './revoke.ts'
import { addDeviceShow } from './show.ts'
import { addDeviceSign } from './sign.ts'
import { addDeviceVerify } from './verify.ts'

export function addDevice(program: Command): void {
  const device = program.command('device').description('issue, renew, revoke and look up certificates of devices')
  addExitCodes(device, 'portcullis device issue pump-12 --set site=s1')
  addDeviceIssue(device)
  addDeviceSign(device)
  addDeviceRenew(device)
  addDeviceRevoke(device)
  addDeviceList(device)
  addDeviceShow(device)
  addDeviceVerify(device)
  addDeviceExport(device)
}
