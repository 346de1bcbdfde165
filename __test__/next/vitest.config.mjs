import { defineConfig } from 'vitest/config'

/** Lets the files of one run share their builds. */
process.env.TIERCEL_NEXT_RUN ??= String(Date.now())

/** Real builds and real servers: one file at a time, since a build alone fills two cores. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.test.mjs', '../types/**/*.test.mjs'],
    exclude: ['.work/**', 'apps/**'],
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 300_000,
    reporters: ['verbose'],
  },
})
