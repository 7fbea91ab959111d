/** Key stock: keys that are made before they are asked for, so that nobody waits for the next chunk's. */
import type { DeviceKey } from './make-device.ts'

export class KeyStock {
  readonly #make: (count: number) => Promise<readonly DeviceKey[]>
  #coming: Promise<readonly DeviceKey[]> = Promise.resolve([])

  constructor(make: (count: number) => Promise<readonly DeviceKey[]>) {
    this.#make = make
  }

  /** Has made what is missing to so many. */
  order(count: number): void {
    this.#coming = this.#coming.then(async present => {
      const missing = count - present.length
      return missing > 0 ? [...present, ...(await this.#make(missing))] : present
    })
    // whoever takes them is told
    this.#coming.catch(() => undefined)
  }

  /** So many, and as many as are left stay. Rejects as making them does. */
  async take(count: number): Promise<readonly DeviceKey[]> {
    this.order(count)
    const present = await this.#coming
    this.#coming = Promise.resolve(present.slice(count))
    return present.slice(0, count)
  }
}
