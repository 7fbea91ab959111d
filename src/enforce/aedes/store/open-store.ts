/** Opens the store of a broker: a folder that one process at a time has, and in which nothing is lost by a crash. */
import { chmod, mkdir } from 'node:fs/promises'
import { Level } from 'level'
import type { TimeMemory } from '../../../accept/newest-time.ts'
import { ConfigurationError, problem } from '../../../problem.ts'
import type { AedesPersistence } from '../shape.ts'
import { DurablePersistence } from './durable-persistence.ts'
import { GroupCommit, type KeyValueStore } from './group-commit.ts'

export interface BrokerStore {
  readonly persistence: AedesPersistence
  /** Higher, as text, than that of every start before: a queue is in the order of brokers first. */
  readonly brokerId: string
  /** For `openGate({ timeMemory })`. */
  readonly timeMemory: TimeMemory
  close(): Promise<void>
}

/** Ours, beside those of the library. */
const formatKey = 'portcullis:format'
const startsKey = 'portcullis:starts'
const timeKey = 'portcullis:newest-time'
const format = '1'

/**
 * Opens a store, or makes one (0700). Rejects with ConfigurationError: `config/store-in-use` while another process has it,
 * `config/bad-store` where it is none of ours or damaged. Nothing is ever removed.
 * @example
 * const store = await openStore('portcullis-store')
 * const broker = await Aedes.createBroker({ id: store.brokerId, persistence: store.persistence })
 */
export async function openStore(folder: string): Promise<BrokerStore> {
  const level = await openLevel(folder)
  try {
    const starts = await countStart(level, folder)
    const commit = new GroupCommit(level as unknown as KeyValueStore)
    const persistence = new DurablePersistence(commit) as unknown as AedesPersistence
    return {
      persistence,
      brokerId: `portcullis-${String(starts).padStart(12, '0')}`,
      timeMemory: timeMemoryIn(commit),
      close: () => commit.close(),
    }
  } catch (error) {
    await level.close()
    throw error
  }
}

async function openLevel(folder: string): Promise<Level<string, string>> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await chmod(folder, 0o700)
    const level = new Level<string, string>(folder)
    await level.open()
    return level
  } catch (error) {
    throw refused(folder, error)
  }
}

/** How often the store has been opened, this time included. */
async function countStart(level: Level<string, string>, folder: string): Promise<number> {
  const [found, before] = await level.getMany([formatKey, startsKey])
  const isNew = found === undefined && (await level.keys({ limit: 1 }).all()).length === 0
  const starts = Number(before ?? 0) + 1
  if (!isNew && (found !== format || !Number.isSafeInteger(starts))) {
    const sentence = found === undefined ? 'the folder has a store of another program' : `the store has format ${found}`
    throw badStore(folder, sentence)
  }
  const operations = [
    { type: 'put', key: formatKey, value: format },
    { type: 'put', key: startsKey, value: String(starts) },
  ] as const
  await level.batch([...operations], { sync: true })
  return starts
}

function timeMemoryIn(commit: GroupCommit): TimeMemory {
  const read = async (): Promise<number> => Number((await commit.get(timeKey)) ?? 0)
  return {
    read,
    write: async ms => {
      if (ms > (await read())) await commit.write([{ type: 'put', key: timeKey, value: Buffer.from(String(ms)) }])
    },
  }
}

function refused(folder: string, error: unknown): ConfigurationError {
  const { code, cause } = error as { code?: string; cause?: { code?: string } }
  const reason = cause?.code ?? code ?? 'no reason given'
  if (unwritable.has(reason)) return badStore(folder, `no store can be made here (${reason})`, writableHelp)
  if (reason !== 'LEVEL_LOCKED') return badStore(folder, `the store cannot be opened (${reason})`)
  return new ConfigurationError([
    problem('config/store-in-use', 'another process has this store open', {
      where: { file: folder },
      help: 'stop it, or give each broker a store of its own',
    }),
  ])
}

/** Node says `ENOENT` where a folder cannot be made on a file system that is mounted read-only. */
const unwritable: ReadonlySet<string> = new Set(['EACCES', 'ENOENT', 'ENOSPC', 'EPERM', 'EROFS'])
const writableHelp = 'name a folder that can be written, by --store DIR or `persistence: { kind: disk, folder: DIR }`'
const otherHelp = 'name another folder, or put back a copy of this one; nothing was removed'

function badStore(folder: string, sentence: string, help: string = otherHelp): ConfigurationError {
  return new ConfigurationError([problem('config/bad-store', sentence, { where: { file: folder }, help })])
}
