/** The address of a peer as a person writes it: IPv4 seen through a dual-stack socket (`::ffff:192.0.2.1`) is IPv4. RFC 4291 §2.5.5.2 */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice('::ffff:'.length) : address
}
