/** What of issuing is work for a processor: key pairs, signatures and PKCS#12. No ledger, no file: any thread may do it. */
import type { KeyObject } from 'node:crypto'
import { type Authority, type SignedCertificate, signLeaf } from '../authority.ts'
import { type DevicePkcs12, makeDevicePkcs12, type Pkcs12Wish } from '../device-pkcs12.ts'
import type { LeafPlan } from '../issue-leaf.ts'
import { createKeys, type KeyType, keyPem, spkiOf } from '../keys.ts'

/** What signs: an authority without the text of its key. */
export type Signer = Pick<Authority, 'name' | 'keyId' | 'keys' | 'notAfter'>

/** A key pair of a device, and what is slow to write of it. */
export interface DeviceKey {
  readonly publicKey: KeyObject
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array
  /** PKCS#8. */
  readonly keyPem: string
}

/** A certificate that is to be signed; its serial is reserved. */
export interface CertificateOrder extends Pick<LeafPlan, 'name' | 'subject' | 'sans' | 'notBefore' | 'notAfter'> {
  readonly key: DeviceKey
  readonly serialHex: string
}

export interface CertifiedDevice {
  readonly signed: SignedCertificate
  readonly pkcs12: DevicePkcs12 | undefined
}

export interface CertifyContext {
  readonly signer: Signer
  readonly pkcs12: Pkcs12Wish | undefined
  /** Issuing CA first. */
  readonly chainPem: readonly string[]
}

export function makeDeviceKeys(type: KeyType, count: number): readonly DeviceKey[] {
  return Array.from({ length: count }, () => {
    const { publicKey, privateKey } = createKeys(type)
    return { publicKey, spki: spkiOf(publicKey), keyPem: keyPem(privateKey) }
  })
}

/** Throws as `signLeaf` does. */
export async function certifyDevice(order: CertificateOrder, context: CertifyContext): Promise<CertifiedDevice> {
  const { key, name, ...leaf } = order
  const signed = signLeaf(context.signer, { ...leaf, profile: 'device', publicKey: key.publicKey })
  const { pkcs12, chainPem } = context
  if (pkcs12 === undefined) return { signed, pkcs12 }
  return { signed, pkcs12: await makeDevicePkcs12(pkcs12, { name, keyPem: key.keyPem, leafDer: signed.der, chainPem }) }
}
