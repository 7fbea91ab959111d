import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/variants/*.cases.ts'],
    globalSetup: ['test/support/build.ts'],
    maxConcurrency: 6,
    testTimeout: 60_000,
  },
})
