import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    // Most tests wait for sockets: one worker on two cores leaves half of the machine idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // a property with the 10,000 cases of CI takes a while on a slow machine
    testTimeout: process.env['PROPERTY_RUNS'] === undefined ? 20_000 : 120_000,
  },
})
