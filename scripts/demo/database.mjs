// @ts-check
/**
 * Stands in for the database that the instances of an application have in common. It keeps JSON by
 * name while it runs, and adds; `examples/demo/lib/database.ts` asks it.
 */
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

/**
 * Answers POST with `{ "read": name }`, `{ "write": name, "value": any }` or `{ "count": name }`,
 * which adds one. Each gives `{ "value": any }` as it is then.
 *
 * @returns {Promise<{ url: string, stop: () => void }>}
 */
export async function startDatabase() {
  /** @type {Map<string, unknown>} */
  const values = new Map()
  const server = createServer(async (request, response) => {
    const { read, write, count, value } = JSON.parse(await text(request))
    if (write) values.set(write, value)
    if (count) values.set(count, Number(values.get(count) ?? 0) + 1)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ value: values.get(read ?? write ?? count) }))
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', () => done(undefined)))
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const stop = () => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${port}`, stop }
}
