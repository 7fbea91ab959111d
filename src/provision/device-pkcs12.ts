/** The PKCS#12 file of one device, with the password that was given, or one that is made for it. */
import { randomBytes } from 'node:crypto'
import { type Pkcs12Content, type Pkcs12Form, writePkcs12 } from './pkcs12.ts'

export interface Pkcs12Wish {
  readonly form: Pkcs12Form
  /** Undefined: each device gets one of its own. */
  readonly password: string | undefined
}

export interface DevicePkcs12 {
  readonly content: Uint8Array
  readonly password: string
}

/** Throws as `writePkcs12` does. @example await makeDevicePkcs12({ form: 'modern' }, { name, keyPem, leafDer, chainPem }) */
export async function makeDevicePkcs12(
  { form, password: given }: Pkcs12Wish,
  { name, ...content }: Pick<Pkcs12Content, 'keyPem' | 'leafDer' | 'chainPem'> & { readonly name: string },
): Promise<DevicePkcs12> {
  // 160 bits, in letters and digits that every program and keyboard has
  const password = given ?? randomBytes(20).toString('hex')
  const isPasswordRandom = given === undefined
  return { content: await writePkcs12(form, { ...content, friendlyName: name, password, isPasswordRandom }), password }
}
