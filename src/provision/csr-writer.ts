/** Certificate signing requests (PKCS#10, RFC 2986), written for a key that stays where it is. */
import { bitString, context, integer, oid, sequence, setOfOne } from './der.ts'
import { extension } from './extension.ts'
import { type KeyPair, schemeOf, spkiOf } from './keys.ts'

/** What a request asks for; DER. */
export interface RequestedNames {
  readonly subjectName: Uint8Array
  readonly alternativeNames?: Uint8Array | undefined
}

/** A request, DER, signed by the key that it is for. @example const der = writeRequest(createKeys(), { subjectName: encodeName([['CN', 'pump-7']]) }) */
export function writeRequest(keys: KeyPair, { subjectName, alternativeNames }: RequestedNames): Buffer {
  const scheme = schemeOf(keys.privateKey)
  const attributes =
    alternativeNames === undefined
      ? []
      : [
          sequence(
            oid('1.2.840.113549.1.9.14'), // extensionRequest, RFC 2985 §5.4.2
            setOfOne(sequence(extension('2.5.29.17', false, alternativeNames))),
          ),
        ]
  const info = sequence(integer(0n), subjectName, spkiOf(keys.publicKey), context(0, ...attributes))
  return sequence(info, scheme.algorithm, bitString(scheme.sign(info)))
}
