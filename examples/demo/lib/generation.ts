import { database } from './database'
import { fleet } from './fleet'

/** One run of a function whose result is cached. */
export type Generation = {
  /** Counts the runs since the demo was started, from 1. 0 means: during `next build`. */
  number: number
  /** Milliseconds since the epoch. */
  at: number
  /** Decides how the glyph looks, so that a new generation is easy to see. */
  seed: number
  /** The instance that ran it, from 1. 0 means: `next build`. */
  by: number
}

/** Called inside cached functions only: it runs exactly when they run. */
export async function newGeneration(name: string): Promise<Generation> {
  const building = process.env.NEXT_PHASE === 'phase-production-build'
  const number = building ? 0 : await database.count(`generations of ${name}`)
  const by = building ? 0 : fleet().instance
  return { number, at: Date.now(), seed: Math.floor(Math.random() * 2 ** 32), by }
}

/** Stands for the slow part: a query, a remote call, a computation. */
export function slowly(milliseconds = 120) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
