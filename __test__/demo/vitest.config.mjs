import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['__test__/demo/**/*.test.mjs'],
    testTimeout: 120_000,
    // The demo is built first, and perhaps the addon.
    hookTimeout: 600_000,
  },
})
