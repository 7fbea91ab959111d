/**
 * The files of a device: `NAME.key`, `NAME.pem` (certificate, then issuing CA: what it shows) and `NAME.ca.pem` (what it
 * trusts), or `NAME.bundle.pem` with all of that; beside them `NAME.p12`, where one is asked for.
 */
import { join } from 'node:path'
import type { SignedCertificate } from '../../provision/authority.ts'
import type { CaFolder } from '../../provision/ca-folder.ts'
import { type DevicePkcs12, makeDevicePkcs12, type Pkcs12Wish } from '../../provision/device-pkcs12.ts'
import { type NewFile, type StagedFiles, stageFiles } from '../../provision/staged-files.ts'

/** Which files are wanted. */
export interface DeviceOutput {
  /** One file instead of three. */
  readonly bundle: boolean
  /** A password that is made for a device goes into a file of its own. */
  readonly pkcs12: Pkcs12Wish | undefined
}

export interface DeviceFiles {
  /** Undefined where the key stays on the device, or is in the bundle. */
  readonly key: string | undefined
  readonly certificate: string | undefined
  readonly trusts: string | undefined
  readonly bundle: string | undefined
  readonly pkcs12: string | undefined
  /** Where the password of the PKCS#12 file was made. */
  readonly pkcs12Password: string | undefined
}

export const threeFiles: DeviceOutput = { bundle: false, pkcs12: undefined }

export function deviceFiles(folder: string, name: string, hasKey: boolean, output: DeviceOutput): DeviceFiles {
  const { bundle, pkcs12 } = output
  const path = (ending: string, isWanted: boolean): string | undefined =>
    isWanted ? join(folder, `${name}.${ending}`) : undefined
  return {
    key: path('key', hasKey && !bundle),
    certificate: path('pem', !bundle),
    trusts: path('ca.pem', !bundle),
    bundle: path('bundle.pem', bundle),
    pkcs12: path('p12', pkcs12 !== undefined),
    pkcs12Password: path('p12.password', pkcs12 !== undefined && pkcs12.password === undefined),
  }
}

export function pathsOf(files: DeviceFiles): readonly string[] {
  return Object.values(files).filter(path => path !== undefined)
}

export interface DeviceMaterial {
  readonly name: string
  readonly signed: Pick<SignedCertificate, 'pem' | 'der'>
  /** Undefined where the key stays on the device. */
  readonly keyPem: string | undefined
  /** Where it was made already. */
  readonly pkcs12?: DevicePkcs12 | undefined
}

/** Secrets first: whoever sees the certificate finds the key, and of a PKCS#12 file the password, too. */
export async function stageDevice(
  files: DeviceFiles,
  material: DeviceMaterial,
  output: DeviceOutput,
  ca: Pick<CaFolder, 'issuingPem' | 'rootPem'>,
): Promise<StagedFiles> {
  const { signed, keyPem = '' } = material
  const pkcs12 = output.pkcs12 && (material.pkcs12 ?? (await pkcs12Of(material, output.pkcs12, ca)))
  const wanted: readonly [string | undefined, string | Uint8Array | undefined, number][] = [
    [files.key, keyPem, 0o600],
    [files.pkcs12Password, pkcs12 && `${pkcs12.password}\n`, 0o600],
    [files.pkcs12, pkcs12?.content, 0o600],
    [files.bundle, keyPem + signed.pem + ca.issuingPem + ca.rootPem, 0o600],
    [files.certificate, signed.pem + ca.issuingPem, 0o644],
    [files.trusts, ca.rootPem, 0o644],
  ]
  return stageFiles(
    wanted.flatMap(([path, content, mode]): readonly NewFile[] =>
      path === undefined || content === undefined ? [] : [{ path, content, mode }],
    ),
  )
}

function pkcs12Of(
  { name, signed, keyPem }: DeviceMaterial,
  wish: Pkcs12Wish,
  ca: Pick<CaFolder, 'issuingPem' | 'rootPem'>,
): Promise<DevicePkcs12> {
  if (keyPem === undefined) throw new TypeError('a PKCS#12 file needs the key')
  return makeDevicePkcs12(wish, { name, keyPem, leafDer: signed.der, chainPem: [ca.issuingPem, ca.rootPem] })
}
