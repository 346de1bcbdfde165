// @ts-check
/** What work costs a Redis server. */

/**
 * The seconds of a core that the server takes for something.
 * @param {{ info(section: string): Promise<Record<string, string>> }} server
 * @param {() => Promise<unknown>} work
 */
export async function coreSecs(server, work) {
  const before = await taken(server)
  await work()
  return (await taken(server)) - before
}

/** @param {{ info(section: string): Promise<Record<string, string>> }} server */
async function taken(server) {
  const info = await server.info('cpu')
  return Number(info.used_cpu_sys) + Number(info.used_cpu_user)
}
