/** `admin:` of the configuration: the socket at which `session`, `watch` and `status` reach the broker. */
import { resolve } from 'node:path'
import type { Section } from './configuration-reader.ts'

/** Absolute; undefined where there is no such section, or a mistake was told. */
export function readAdmin(section: Section | undefined, baseFolder: string): string | undefined {
  if (section === undefined) return undefined
  section.allow('socket')
  section.require('socket', 'name a file for it: admin: { socket: run/portcullis.sock }')
  const socket = section.text('socket')
  return socket === undefined ? undefined : resolve(baseFolder, socket)
}
