import { headers } from 'next/headers'
import { connection } from 'next/server'
import type { Generation } from './generation'
import { memory } from './memory'

/** Where an answer came from. */
export type Source = 'generated' | 'cache' | 'stale'

/** When proxy.ts saw this request, in milliseconds since the epoch. */
export async function arrival(): Promise<number> {
  await connection()
  return Number((await headers()).get('x-arrived-at'))
}

type Rules = {
  /** Tags of the entry: an answer older than their invalidation is stale. */
  tags?: string[]
  /** The `revalidate` duration of the entry. */
  revalidateSecs?: number
}

export function sourceOf(generation: Generation, arrivedAt: number, rules: Rules = {}): Source {
  if (generation.at >= arrivedAt) return 'generated'
  const invalidated = rules.tags?.some((tag) => (memory.invalidatedAt[tag] ?? 0) > generation.at)
  const old = arrivedAt - generation.at > (rules.revalidateSecs ?? Infinity) * 1000
  return invalidated || old ? 'stale' : 'cache'
}
