/** The conformance suite of adapters once more, by another way into the same gate. `npm run test:variants` */
import { describe, test } from 'vitest'
import { adapterCases } from '../suites/adapter.ts'
import { guardedAedesBy, type Variant } from '../support/suite-guarded.ts'

export function suiteBy(variant: Variant): void {
  const broker = guardedAedesBy(variant)
  describe.concurrent(`adapter suite by ${variant.name}`, () => {
    for (const one of adapterCases) {
      const reason = variant.skips?.[one.name]
      test.skipIf(reason !== undefined)(reason === undefined ? one.name : `${one.name} (${reason})`, async () => {
        const running = await broker.start(one.start)
        try {
          await one.run(running)
        } finally {
          await running.close()
        }
      })
    }
  })
}
