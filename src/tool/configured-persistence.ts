/** `persistence:` of the configuration: where the broker keeps sessions, queues, retained messages and wills. */
import { resolve } from 'node:path'
import type { Section } from './configuration-reader.ts'

export type Persistence =
  /** An embedded store in a folder of its own, absolute. */
  | { readonly kind: 'disk'; readonly folder: string }
  /** Gone when the process ends. */
  | { readonly kind: 'memory' }

const kinds: readonly Persistence['kind'][] = ['disk', 'memory']

/** Beside the configuration, or in the current folder. */
const defaultFolder = 'portcullis-store'

export function readPersistence(section: Section | undefined, baseFolder: string): Persistence {
  section?.allow('kind', 'folder')
  const kind = section?.word('kind', kinds) ?? 'disk'
  const folder = section?.text('folder') ?? defaultFolder
  if (kind === 'disk') return { kind, folder: resolve(baseFolder, folder) }
  if (section?.has('folder')) section.bad('folder', 'left out', 'only `kind: disk` has a folder')
  return { kind }
}
