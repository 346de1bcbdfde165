import { defineConfig } from 'vitest/config'

/** Tests of one folder. The groups run one after the other. */
const project = (name, groupOrder, more) => ({
  extends: true,
  test: { name, include: [`__test__/${name}/**/*.test.mjs`], sequence: { groupOrder }, ...more },
})

export default defineConfig({
  test: {
    // One process each: the engine belongs to the process.
    pool: 'forks',
    // Against hangs: a machine may be busy, and no time here says anything of speed.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    projects: [
      // A worker less than there are cores would be one, on two.
      project('unit', 0, { maxWorkers: 2 }),
      // They mostly wait: for leases that run out, for servers that are away.
      project('redis', 1, { maxWorkers: 4 }),
    ],
  },
})
