/** What `serve` says of where it can be asked. */
import { isIPv6 } from 'node:net'
import type { Operation } from './operation.ts'

export function operateLines({ address }: Pick<Operation, 'address'>): readonly string[] {
  if (address === undefined) return []
  const host = isIPv6(address.address) ? `[${address.address}]` : address.address
  return [`operate  http://${host}:${address.port}  /healthz /readyz /metrics`]
}
