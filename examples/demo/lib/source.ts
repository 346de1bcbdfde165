import { AsyncLocalStorage } from 'node:async_hooks'
import { headers } from 'next/headers'
import { connection } from 'next/server'
import type { Decision } from './cache-log'
import { fleet } from './fleet'
import type { Generation } from './generation'

/** Where an answer came from. */
export type Source = {
  kind: 'generated' | 'cache' | 'stale'
  /** The tier it was read from, where that is known. */
  tier?: Decision['tier']
  /** The instance that answered, where there are several. */
  instance?: number
}

/** When proxy.ts saw this request, in milliseconds since the epoch. */
export async function arrival(): Promise<number> {
  await connection()
  return Number((await headers()).get('x-arrived-at'))
}

const shared = globalThis as typeof globalThis & {
  tiercelDemoReads?: AsyncLocalStorage<Decision[]>
}

// `cache-handler.js` adds each decision to the read that it was made for.
shared.tiercelDemoReads ??= new AsyncLocalStorage()
const reads = shared.tiercelDemoReads

/** Reads a cached value; the second result says where the generations in it came from. */
export async function sourced<T>(
  read: () => Promise<T>,
): Promise<[T, (generation: Generation) => Source]> {
  const arrivedAt = await arrival()
  const decisions: Decision[] = []
  const value = await reads.run(decisions, read)
  const decision = decisions.find(({ call }) => call === 'get')
  return [value, (generation) => sourceOf(generation, arrivedAt, decision)]
}

export function sourceOf(generation: Generation, arrivedAt: number, decision?: Decision): Source {
  const { instance, addresses } = fleet()
  const place = addresses.length > 1 ? { instance } : {}
  if (generation.at >= arrivedAt) return { kind: 'generated', ...place }
  const kind = decision?.outcome === 'stale' ? 'stale' : 'cache'
  return { kind, tier: decision?.tier, ...place }
}
