import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['__test__/{unit,redis}/**/*.test.mjs'],
    // One process each: the engine belongs to the process.
    pool: 'forks',
    testTimeout: 30_000,
  },
})
