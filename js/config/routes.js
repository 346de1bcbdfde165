// @ts-check

const { readdirSync, readFileSync } = require('node:fs')
const { join, relative } = require('node:path')

const APPS = ['app', join('src', 'app')]
const ROUTE = /^route\.[cm]?[jt]sx?$/
const EDGE = /^\s*export\s+const\s+runtime\s*=\s*['"](?:experimental-)?edge['"]/m

/**
 * Route handlers of the edge runtime, by their path in the app.
 * @param {string} dir of the app
 * @returns {string[]}
 */
function edgeRoutes(dir) {
  const files = APPS.flatMap((app) => filesIn(join(dir, app)))
  return files.filter(isEdge).map((file) => relative(dir, file))
}

/** @param {string} folder @returns {string[]} */
function filesIn(folder) {
  try {
    const found = readdirSync(folder, { recursive: true, withFileTypes: true })
    const routes = found.filter((file) => file.isFile() && ROUTE.test(file.name))
    return routes.map((file) => join(file.parentPath ?? file.path, file.name))
  } catch {
    return []
  }
}

/** @param {string} file */
function isEdge(file) {
  try {
    return EDGE.test(readFileSync(file, 'utf8'))
  } catch {
    return false
  }
}

module.exports = { edgeRoutes }
