/** Servers on loopback that answer as a test wants. */
import http from 'node:http'

/**
 * Starts a server; it ends with the test.
 *
 * @param {(request: http.IncomingMessage, response: http.ServerResponse) => void} [answer]
 * @param {number} [port] where; any if not given
 */
export async function serve(
  { onTestFinished },
  answer = (_, response) => response.end(),
  port = 0,
) {
  const seen = []
  const server = http.createServer((request, response) => {
    seen.push(request)
    answer(request, response)
  })
  await new Promise((listening) => server.listen(port, '127.0.0.1', listening))
  const stop = () => {
    server.closeAllConnections()
    return new Promise((closed) => server.close(closed))
  }
  onTestFinished(stop)
  const { port: own } = server.address()
  return {
    base: `http://127.0.0.1:${own}`,
    server,
    /** The requests there were, in order. */
    seen,
    paths: () => seen.map(({ url }) => url),
    stop,
  }
}
