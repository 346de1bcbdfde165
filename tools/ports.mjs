// @ts-check
/** Ports of this machine without a listener. Other processes may take them once they are found. */
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Ports to look at one after the other. */
const MOST = 1_000

/**
 * Free ports of loopback, chosen by the system. All are held until the last one is found.
 *
 * @param {number} count
 * @returns {Promise<number[]>}
 */
export async function freePorts(count) {
  const probes = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(probes.map((probe) => once(probe, 'listening')))
  const ports = probes.map(
    (probe) => /** @type {import('node:net').AddressInfo} */ (probe.address()).port,
  )
  await Promise.all(probes.map((probe) => once(probe.close(), 'close')))
  return ports
}

/**
 * One free port: the first from `port` on, if that is given. The system uses those from 32768 on
 * for connections.
 *
 * @param {number} [port]
 * @returns {Promise<number>} the last one looked at, if none is free
 */
export async function freePort(port) {
  if (port === undefined) return (await freePorts(1))[0]
  let last = port
  while (last < port + MOST && !(await isFree(last))) last++
  return last
}

/**
 * Whether no process listens there, on any address.
 *
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export function isFree(port) {
  if (port > 65_535) return Promise.resolve(false)
  return new Promise((done) => {
    const probe = createServer()
    probe.once('error', () => done(false))
    probe.listen(port, () => probe.close(() => done(true)))
  })
}
