import { memory } from './memory'

/** One run of a function whose result is cached. */
export type Generation = {
  /** Counts the runs in this process, from 1. 0 means: during `next build`. */
  number: number
  /** Milliseconds since the epoch. */
  at: number
  /** Decides how the glyph looks, so that a new generation is seen at once. */
  seed: number
}

/** Called inside cached functions only: it runs exactly when they run. */
export function newGeneration(name: string): Generation {
  const building = process.env.NEXT_PHASE === 'phase-production-build'
  const number = building ? 0 : (memory.generations[name] ?? 0) + 1
  if (!building) memory.generations[name] = number
  return { number, at: Date.now(), seed: Math.floor(Math.random() * 2 ** 32) }
}

/** Stands for the slow part: a query, a remote call, a computation. */
export function slowly(milliseconds = 120) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
