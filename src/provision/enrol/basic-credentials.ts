/** HTTP Basic (RFC 7617): the name of a device and its token. */

export interface BasicCredentials {
  readonly name: string
  readonly token: string
}

/** Undefined where the header is missing or is not Basic to the letter. @example basicCredentials(request.headers.authorization) */
export function basicCredentials(header: string | undefined): BasicCredentials | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? '') ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  // a token has no colon, and a name may have some, such as an address of Ethernet (against RFC 7617 §2, which every client lets pass)
  const colon = text.lastIndexOf(':')
  // what follows is a name of a safe alphabet and a JWS: neither has a control character
  if (colon < 1 || /[^\x21-\x7e]/.test(text)) return undefined
  return { name: text.slice(0, colon), token: text.slice(colon + 1) }
}
