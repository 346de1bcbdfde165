import { request } from 'node:http'

/**
 * Stands in for the database of a real application, and is gone after a restart. One process keeps
 * it itself; the instances of a fleet ask the one at `DEMO_DATABASE`.
 */
export const database = {
  read: async <T>(name: string, otherwise: T) =>
    ((await ask({ read: name })) as T | undefined) ?? otherwise,
  write: (name: string, value: unknown) => ask({ write: name, value }),
  /** Adds one, and gives the new count. */
  count: async (name: string) => (await ask({ count: name })) as number,
}

type Question = { read?: string; write?: string; count?: string; value?: unknown }

function ask(question: Question): unknown {
  const { DEMO_DATABASE } = process.env
  return DEMO_DATABASE ? askAt(DEMO_DATABASE, question) : answer(question)
}

const shared = globalThis as typeof globalThis & { tiercelDemoDatabase?: Map<string, unknown> }

// On globalThis, because Next.js bundles routes and pages separately.
shared.tiercelDemoDatabase ??= new Map()
const values = shared.tiercelDemoDatabase

function answer({ read, write, count, value }: Question) {
  if (write) values.set(write, value)
  if (count) values.set(count, Number(values.get(count) ?? 0) + 1)
  return values.get(read ?? write ?? count ?? '')
}

/** Not with `fetch`: that is what this demo caches. */
function askAt(url: string, question: Question) {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: 'POST' }, (response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => resolve(JSON.parse(body).value))
      response.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(JSON.stringify(question))
  })
}
