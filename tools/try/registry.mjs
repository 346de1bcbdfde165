// @ts-check
/**
 * A registry on loopback that has this repository's package, as if it were published. Whatever else
 * it is asked for, it sends the client to the registry that the machine uses.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { root } from '../run.mjs'

/** Package managers that wait before they take a new release have waited. */
const PUBLISHED = '2024-01-01T00:00:00.000Z'

/**
 * @param {string} tarball of `npm pack`
 * @returns {Promise<{ url: string, env: Record<string, string>, stop: () => void }>} `env`: makes
 *   every package manager use it
 */
export async function startRegistry(tarball) {
  const elsewhere = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim()
  const bytes = readFileSync(tarball)
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '/')
    if (path.endsWith('.tgz') && path.startsWith('/tiercel/')) return response.end(bytes)
    if (path !== '/tiercel') {
      return response.writeHead(307, { location: new URL(`.${request.url}`, elsewhere).href }).end()
    }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(packument(bytes, url)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  const url = `http://127.0.0.1:${port}`
  const stop = () => {
    server.close()
    server.closeAllConnections()
  }
  return { url, env: using(url), stop }
}

/** @param {Buffer} bytes @param {string} url */
function packument(bytes, url) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { name, version, scripts: _, devDependencies: __, ...published } = manifest
  const hash = (/** @type {string} */ of) => createHash(of).update(bytes)
  const dist = {
    tarball: `${url}/${name}/-/${name}-${version}.tgz`,
    integrity: `sha512-${hash('sha512').digest('base64')}`,
    shasum: hash('sha1').digest('hex'),
  }
  return {
    _id: name,
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...published, name, version, _id: `${name}@${version}`, dist } },
    time: { created: PUBLISHED, modified: PUBLISHED, [version]: PUBLISHED },
  }
}

/** @param {string} url */
const using = (url) => ({
  npm_config_registry: `${url}/`,
  pnpm_config_registry: `${url}/`,
  YARN_REGISTRY: url,
  YARN_NPM_REGISTRY_SERVER: url,
  YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
  BUN_CONFIG_REGISTRY: url,
})
