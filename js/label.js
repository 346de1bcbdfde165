// @ts-check

const { readFileSync } = require('node:fs')
const { dirname, join, relative } = require('node:path')

/**
 * Keeps the keys of an app apart from those of others in tags. The same in all processes and builds
 * of an app: the name of its package, and its path in that.
 * @param {string} serverDistDir its `.next/server`
 */
function labelOf(serverDistDir) {
  const dir = dirname(dirname(serverDistDir))
  const place = packageOf(dir)
  const name = place ? [place.name, relative(place.dir, dir)] : []
  // Here, since it takes longer to load than most of this package.
  const { createHash } = require('node:crypto')
  return `${createHash('sha256').update(JSON.stringify(name)).digest('hex').slice(0, 8)}:`
}

/**
 * The package a directory belongs to.
 * @param {string} dir
 * @returns {{ dir: string, name: unknown } | undefined}
 */
function packageOf(dir) {
  try {
    return { dir, name: JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')).name }
  } catch {
    // No package here, or an unreadable one.
  }
  const above = dirname(dir)
  return above === dir ? undefined : packageOf(above)
}

module.exports = { labelOf }
