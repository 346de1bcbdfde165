/**
 * What this process remembers. It stands in for the database of a real
 * application, and it is gone after a restart.
 */
type Memory = {
  generations: Record<string, number>
  invalidatedAt: Record<string, number>
  price: number
  guests: { name: string; at: number }[]
  originCalls: number
}

const shared = globalThis as typeof globalThis & { tiercelDemoMemory?: Memory }

const empty: Memory = { generations: {}, invalidatedAt: {}, price: 240, guests: [], originCalls: 0 }

// On globalThis, because Next.js bundles routes and pages separately.
shared.tiercelDemoMemory ??= empty
export const memory: Memory = shared.tiercelDemoMemory
