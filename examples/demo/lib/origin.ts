import type { Generation } from './generation'

// `next start` sets PORT to the port it listens on. A fleet has one origin: the address is a part
// of the key of a fetch.
export const base = () => process.env.DEMO_ORIGIN ?? `http://127.0.0.1:${process.env.PORT ?? 3000}`

/** The request under test: plain fetch with a tag and a lifetime. */
export async function askOrigin(search = ''): Promise<Generation> {
  const response = await fetch(`${base()}/api/origin${search}`, {
    cache: 'force-cache',
    next: { tags: ['origin'], revalidate: 3600 },
  })
  return response.json()
}
