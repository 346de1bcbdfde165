import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** The module that next.config names. */
export const index = fileURLToPath(new URL('../index.js', import.meta.url))

/** Loads Tiercel as Node.js does, with the `process.env` of that moment. */
export const load = () => createRequire(import.meta.url)(index)

/** Next's clock, in ms. */
export const now = () => performance.timeOrigin + performance.now()

/** The same, between whole milliseconds: a time that has no fraction counts as rounded by Next.js. */
export function moment() {
  let at = now()
  while (Number.isInteger(at)) at = now()
  return at
}

export function streamOf(...chunks) {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    },
  })
}

/** A `'use cache'` entry that holds `body`. */
export const entryOf = (body, more) => ({
  value: streamOf(Buffer.from(body)),
  tags: [],
  stale: 300,
  timestamp: moment(),
  expire: 4_294_967_294,
  revalidate: 900,
  ...more,
})

export async function readAll(stream) {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
