/** `persistence:` of the configuration: where the broker keeps sessions, queues, retained messages and wills. */
import { isAbsolute, join, resolve } from 'node:path'
import { ConfigurationError, problem } from '../problem.ts'
import type { Section } from './configuration-reader.ts'

export type Persistence =
  /** An embedded store in a folder of its own, absolute. */
  | { readonly kind: 'disk'; readonly folder: string }
  /** Gone when the process ends. */
  | { readonly kind: 'memory' }
  /** Shared by the nodes of a cluster. The address may hold a password: it is never told. */
  | { readonly kind: 'redis'; readonly url: string }

const kinds: readonly Persistence['kind'][] = ['disk', 'memory', 'redis']

/** Beside the configuration, or in the current folder. */
const defaultFolder = 'portcullis-store'

/**
 * Where the store is when nobody says: in the folder that whoever starts the broker keeps for its state (systemd and the container set
 * `STATE_DIRECTORY`, and let it write nowhere else), or `portcullis-store`.
 */
function defaultStore(stateDirectory: string | undefined): string {
  // systemd parts several by colons
  const [state = ''] = (stateDirectory ?? '').split(':')
  return isAbsolute(state) ? join(state, 'store') : defaultFolder
}

export function readPersistence(
  section: Section | undefined,
  baseFolder: string,
  stateDirectory: string | undefined = process.env['STATE_DIRECTORY'],
): Persistence {
  section?.allow('kind', 'folder', 'url')
  const kind = section?.word('kind', kinds) ?? 'disk'
  const folder = section?.text('folder') ?? defaultStore(stateDirectory)
  if (kind === 'disk') return { kind, folder: resolve(baseFolder, folder) }
  if (section?.has('folder')) section.bad('folder', 'left out', 'only `kind: disk` has a folder')
  if (kind === 'memory') return { kind }
  const url = section?.text('url')
  if (url === undefined || !isRedisUrl(url)) section?.bad('url', 'the address of a Redis', urlHelp)
  return { kind, url: url ?? '' }
}

const urlHelp = 'such as redis://127.0.0.1:6379, or rediss:// for TLS'

function isRedisUrl(text: string): boolean {
  return URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol)
}

/** Of the command line; they count more than the file. */
export interface PersistenceOptions {
  /** False: `--no-store`. */
  readonly store?: string | false
  readonly cluster?: string
}

/** Throws ConfigurationError where the address of a cluster is none. */
export function chosenPersistence({ store, cluster }: PersistenceOptions, configured: Persistence): Persistence {
  if (cluster !== undefined) {
    if (isRedisUrl(cluster)) return { kind: 'redis', url: cluster }
    const sentence = '--cluster takes the address of a Redis'
    throw new ConfigurationError([problem('config/bad-value', sentence, { help: urlHelp })])
  }
  if (store === false) return { kind: 'memory' }
  return store === undefined ? configured : { kind: 'disk', folder: resolve(store) }
}
