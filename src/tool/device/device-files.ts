/** The files of a device: `NAME.key`, `NAME.pem` (certificate, then issuing CA: what it shows) and `NAME.ca.pem` (what it trusts). */
import { join } from 'node:path'
import type { SignedCertificate } from '../../provision/authority.ts'
import type { CaFolder } from '../../provision/ca-folder.ts'
import { type StagedFiles, stageFiles } from '../../provision/staged-files.ts'

export interface DeviceFiles {
  /** Undefined where the key stays on the device. */
  readonly key: string | undefined
  readonly certificate: string
  readonly trusts: string
}

export function deviceFiles(folder: string, name: string, hasKey: boolean): DeviceFiles {
  const path = (ending: string): string => join(folder, `${name}.${ending}`)
  return { key: hasKey ? path('key') : undefined, certificate: path('pem'), trusts: path('ca.pem') }
}

export function pathsOf({ key, certificate, trusts }: DeviceFiles): readonly string[] {
  return [...(key === undefined ? [] : [key]), certificate, trusts]
}

/** Key first: whoever sees the certificate finds the key too. */
export function stageDevice(
  files: DeviceFiles,
  signed: Pick<SignedCertificate, 'pem'>,
  keyPem: string | undefined,
  ca: Pick<CaFolder, 'issuingPem' | 'rootPem'>,
): Promise<StagedFiles> {
  return stageFiles([
    ...(files.key === undefined || keyPem === undefined ? [] : [{ path: files.key, content: keyPem, mode: 0o600 }]),
    { path: files.certificate, content: signed.pem + ca.issuingPem, mode: 0o644 },
    { path: files.trusts, content: ca.rootPem, mode: 0o644 },
  ])
}
