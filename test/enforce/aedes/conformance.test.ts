/** The guarded aedes passes the conformance suite of adapters. */
import { describe, test } from 'vitest'
import { adapterCases } from '../../suites/adapter.ts'
import { guardedAedes } from '../../support/suite-guarded.ts'

describe(`adapter suite: ${guardedAedes.name}`, () => {
  for (const one of adapterCases) {
    const missing = (one.needs ?? []).flatMap(need => guardedAedes.lacks[need] ?? [])
    test.skipIf(missing.length > 0)(`${one.name} (${one.rules.join(', ')})`, async ({ skip }) => {
      if (missing.length > 0) skip(missing.join('; '))
      const broker = await guardedAedes.start(one.start)
      try {
        await one.run(broker)
      } finally {
        await broker.close()
      }
    })
  }
})
