import { createRequire } from 'node:module'
import path from 'node:path'

/**
 * The options every fixture shares. `FIXTURE_HANDLER=builtin` leaves Next's own cache in place, so
 * that one app answers for both; `FIXTURE_DIST` keeps the builds of the variants apart;
 * `FIXTURE_EXPIRE` is the `expireTime` of what the server renders.
 *
 * @param {string} url `import.meta.url` of the fixture's next.config
 * @param {(tiercel: string | undefined) => object} own what the fixture adds, given the handler file
 */
export function fixtureConfig(url, own) {
  const root = path.dirname(new URL(url).pathname)
  const builtin = process.env.FIXTURE_HANDLER === 'builtin'
  const tiercel = builtin ? undefined : createRequire(url).resolve('tiercel')
  return {
    distDir: process.env.FIXTURE_DIST ?? '.next',
    output: 'standalone',
    ...(process.env.FIXTURE_EXPIRE && { expireTime: Number(process.env.FIXTURE_EXPIRE) }),
    generateBuildId: () => 'fixture',
    outputFileTracingRoot: root,
    turbopack: { root },
    ...(tiercel && { cacheHandler: tiercel }),
    ...own(tiercel),
  }
}
