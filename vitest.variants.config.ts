import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/variants/*.cases.ts'],
    globalSetup: ['test/support/build.ts'],
    maxWorkers: Math.max(2, availableParallelism() - 1),
    maxConcurrency: 4,
    testTimeout: 60_000,
  },
})
