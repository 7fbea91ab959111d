import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/handmade/*.cases.ts'],
    globalSetup: ['test/support/build.ts'],
    maxConcurrency: 6,
  },
})
