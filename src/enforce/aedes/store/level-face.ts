/** Level's face on a group commit, as `aedes-persistence-level` uses it: what it writes waits for the disk, or does not. */
import type { GroupCommit, Operation } from './group-commit.ts'

type Range = Parameters<GroupCommit['values']>[0]

export class LevelFace {
  readonly #commit: GroupCommit
  readonly #write: (operations: readonly Operation[]) => Promise<void>

  /** `isPatient`: a write resolves when it is on the disk. */
  constructor(commit: GroupCommit, isPatient: boolean) {
    this.#commit = commit
    this.#write = isPatient ? operations => commit.write(operations) : async operations => commit.writeLater(operations)
  }

  get(key: string): Promise<Buffer | undefined> {
    return this.#commit.get(key)
  }

  put(key: string, value: Buffer): Promise<void> {
    return this.#write([{ type: 'put', key, value }])
  }

  del(key: string): Promise<void> {
    return this.#write([{ type: 'del', key }])
  }

  batch(operations: readonly Operation[]): Promise<void>
  batch(): Chain
  batch(operations?: readonly Operation[]): Promise<void> | Chain {
    return operations === undefined ? new Chain(this.#write) : this.#write(operations)
  }

  clear(range: Range): Promise<void> {
    return this.#commit.clear(range)
  }

  values(range: Range): AsyncIterable<Buffer> {
    return this.#commit.values(range)
  }

  close(): Promise<void> {
    return this.#commit.close()
  }
}

class Chain {
  readonly #operations: Operation[] = []
  readonly #write: (operations: readonly Operation[]) => Promise<void>

  constructor(write: (operations: readonly Operation[]) => Promise<void>) {
    this.#write = write
  }

  del(key: string): this {
    this.#operations.push({ type: 'del', key })
    return this
  }

  write(): Promise<void> {
    return this.#write(this.#operations)
  }
}
