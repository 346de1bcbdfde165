import type { NextConfig } from 'next'
import type { CacheHandler as Plural } from 'next/dist/server/lib/cache-handlers/types'
import type {
  CacheHandler,
  CacheHandlerContext,
  CacheHandlerValue,
} from 'next/dist/server/lib/incremental-cache'
import Tiercel, { configure, ready } from 'tiercel'
import { withTiercel } from 'tiercel/config'
import Memory from 'tiercel/memory'
import { type WarmResult, warm } from 'tiercel/warm'

declare const context: CacheHandlerContext

export const plural: Plural[] = [Tiercel, Memory]
export const singular: (typeof CacheHandler)[] = [Tiercel, Memory]
export const instance: CacheHandler = new Tiercel(context)

// Parameters of methods fit in either direction: that what Next gives is what we take is proved here.
type Get = Parameters<CacheHandler['get']>
type Set = Parameters<CacheHandler['set']>
declare const given: { context: Get[1]; value: Set[1]; setContext: Set[2] }
export const constructed: Tiercel.Context = context
export const asked: Tiercel.GetContext = given.context
export const stored: Tiercel.Value | null = given.value
export const storedWith: Tiercel.SetContext = given.setContext
declare const found: Tiercel.Found
export const returned: CacheHandlerValue = found

// @ts-expect-error: there is no such kind
export const unknownKind: Tiercel.GetContext = { kind: 'APP' }
// @ts-expect-error: a page without its HTML
export const incomplete: Tiercel.Value = { kind: 'PAGES', pageData: {}, headers: {}, status: 200 }

// @ts-expect-error: a miss of 'use cache' is undefined; null breaks the render
class NullForMiss extends Tiercel {
  static async get(): Promise<null> {
    return null
  }
}

class WithoutGet {
  async set(): Promise<void> {}
}

// @ts-expect-error: proves that Next's own type was found and is compared
export const notPlural: Plural = WithoutGet
// @ts-expect-error: proves that Next's own type was found and is compared
export const notSingular: CacheHandler = new WithoutGet()
// @ts-expect-error: an option that does not exist
Tiercel.configure({ memoryMegabytes: 64 })

// @ts-expect-error: an option that does not exist
warm({ timeout: 5 })

const plain: NextConfig = {}
export const wrapped: NextConfig = withTiercel(plain, { memoryMb: 64, debug: true })
export const inline: NextConfig = withTiercel({ reactStrictMode: true })
export const computed = withTiercel(
  async (phase: string): Promise<NextConfig> => ({ env: { phase } }),
)
export const config: Promise<NextConfig> = computed('phase-production-build')

// @ts-expect-error: a function does not reach the servers
withTiercel({}, { debug: () => {} })

export const warmed: Promise<WarmResult> = warm({
  base: new URL('http://h'),
  headers: new Headers(),
})
export const probed: Promise<boolean> = Tiercel.ready({ giveUpMs: 0 }).then(({ ready }) => ready)

export const used = [
  NullForMiss,
  Tiercel.configure({ memoryMb: 64 }),
  Tiercel.stats().sets,
  Tiercel.stats().fetch.latency.memory.counts[0],
  Tiercel.decisions({ key: '/', limit: 1 })[0]?.ageSecs,
  Tiercel.instances().then(([one]) => one?.kinds.fetch?.misses),
  Tiercel.why('/blog').then(({ decisions, silent }) => [decisions[0]?.instance, silent[0]]),
  configure,
  ready,
]
