/** What the wire said of a refused connection, for a person. */

/** CONNACK return codes of MQTT 3.1.1, table 3.1. */
export const connackTexts: Readonly<Record<number, string>> = {
  1: 'the protocol version is not spoken here',
  2: 'the client id is not this certificate’s',
  3: 'the broker cannot take it now',
  4: 'user name or password',
  5: 'not authorized: certificate, identity or will',
}

/** An error of the client's connection: the TLS alert where there was one. */
export function wireText(error: Error): string {
  const alert = /alert (?:number )?(.+?)(?::|$)/i.exec(error.message)?.[1]
  return alert === undefined ? `the connection ended: ${error.message.split('\n', 1)[0]}` : `TLS alert: ${alert}`
}
