/** One certificate for one device, from the plan to its files: what `issue`, `sign` and `renew` have in common. */
import type { KeyObject } from 'node:crypto'
import type { MappedIdentity } from '../../policy/model.ts'
import type { Result } from '../../problem.ts'
import type { OpenCa } from '../../provision/ca-folder.ts'
import type { Entitlement } from '../../provision/entitlement.ts'
import { type Issued, issueThroughLedger } from '../../provision/issue-leaf.ts'
import { createKeys, type KeyType, keyPem as pemOf } from '../../provision/keys.ts'
import { planDevice } from '../../provision/plan-device.ts'
import { requireFree } from '../../provision/staged-files.ts'
import type { PolicyContext } from './context.ts'
import { type DeviceFiles, type DeviceOutput, deviceFiles, pathsOf, stageDevice, threeFiles } from './device-files.ts'

export interface DeviceWish extends PolicyContext {
  readonly identity: MappedIdentity
  readonly name: string
  readonly publicKey: KeyObject
  /** Undefined where the key stays on the device. */
  readonly keyPem: string | undefined
  /** Three files where nothing is said. */
  readonly output?: DeviceOutput
  readonly days: number
  readonly out: string
  readonly renew: boolean
  readonly supersede?: boolean
  readonly replaceFiles?: boolean
}

export interface IssuedDevice extends Issued {
  readonly files: DeviceFiles
  readonly entitlement: Entitlement
}

/** A key of the authority's making; where the device has its own, only the public one is known. */
export function makeKey(type: KeyType): Pick<DeviceWish, 'publicKey' | 'keyPem'> {
  const { privateKey, publicKey } = createKeys(type)
  return { publicKey, keyPem: pemOf(privateKey) }
}

export async function issueDevice(ca: OpenCa, wish: DeviceWish): Promise<Result<IssuedDevice>> {
  const plan = planDevice(ca, wish)
  if (!plan.ok) return plan
  const { name, keyPem, output = threeFiles } = wish
  const files = deviceFiles(wish.out, name, keyPem !== undefined, output)
  if (!wish.replaceFiles) await requireFree(pathsOf(files))
  const issued = await issueThroughLedger(ca, plan.value, {
    renew: wish.renew,
    supersede: wish.supersede ?? false,
    replaceFiles: wish.replaceFiles ?? false,
    stage: signed => stageDevice(files, { name, signed, keyPem }, output, ca),
  })
  if (!issued.ok) return issued
  return { ok: true, value: { ...issued.value, files, entitlement: plan.value.entitlement } }
}
