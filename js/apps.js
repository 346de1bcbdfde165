// @ts-check

const build = require('./build.js')
const { labelOf } = require('./label.js')
const { native } = require('./native.js')

/**
 * The apps of this process: a custom server may run several. The entries of a handler belong to the
 * app it was made for, which its `.next/server` names.
 *
 * @typedef {object} App
 * @property {number} id its number in the addon
 * @property {string | undefined} dir its `.next/server`
 * @property {string} label keeps its keys apart from those of other apps in tags
 * @property {Map<string, import('./hot.js').Hot>} ready objects of it, by key
 */

/** By number. Handlers without a folder, of a proxy or made by hand, belong to the first, too.
 * @type {App[]} */
const apps = [{ id: 0, dir: undefined, label: '', ready: new Map() }]
/** @type {Map<string, App>} */
const byDir = new Map()
/** The last one looked up: mostly there is no other. */
let last = apps[0]

/**
 * The app a handler is made for. The engine runs by then.
 * @param {any} ctx what Next gives the constructor of a handler
 * @returns {App}
 */
function of(ctx) {
  const dir = ctx?.serverDistDir
  if (typeof dir !== 'string') return apps[0]
  if (dir !== last.dir) last = byDir.get(dir) ?? learn(dir, ctx)
  return last
}

/** @param {string} dir @param {any} ctx */
function learn(dir, ctx) {
  const label = labelOf(dir)
  const id = native.serverDir(dir, label, ctx.dev ? undefined : build.of(dir))
  const ready = apps[id]?.ready ?? new Map()
  const app = { id, dir, label, ready }
  apps[id] = app
  byDir.set(dir, app)
  return app
}

/** The `.next/server` of each app. */
const dirs = () => [...byDir.keys()]

module.exports = { of, dirs }
