// @ts-check

const { join } = require('node:path')
const { Operator, open } = require('../operate/operator.js')

/**
 * Where figures come from: the process that serves, and the fleet it is part of; or a server alone.
 *
 * @typedef {import('../operate/operator.js').Asked} Asked
 * @typedef {import('../operate/fleet/figures.js').Fleet} Fleet
 * @typedef {{ nowMs: number, rows: { at: number, values: Record<string, number> }[] }} History
 *
 * @typedef {object} Source
 * @property {Record<string, unknown>} about
 * @property {number} everyMs how often there may be something new
 * @property {boolean} isFleet whether there is a server
 * @property {() => Promise<Fleet>} fleet
 * @property {() => Promise<any[]>} nodes
 * @property {() => Promise<History>} history
 * @property {() => Asked} operator
 * @property {(query: { key: string, limit: number }) => any[]} decisions
 * @property {(tags: string[], expireSecs: number | undefined) => Promise<void>} purge where there is no server
 * @property {() => Promise<void>} rest ends what was opened
 */

const { version } = require('../../package.json')

/** Snapshots of a fleet are a few seconds old anyway. */
const FLEET_MS = 2_000
const ALONE_MS = 1_000

/** @param {Asked} operator @returns {Source} */
function ofServer(operator) {
  const { namespace, place } = operator.about()
  return {
    about: { namespace, place, version, isFleet: true },
    everyMs: FLEET_MS,
    isFleet: true,
    fleet: () => operator.run('snapshots'),
    nodes: () => operator.run('nodes'),
    history: () => operator.run('history'),
    operator: () => operator,
    decisions: () => [],
    purge: async () => {},
    rest: () => operator.close(),
  }
}

/** The process that serves. The engine is started if it does not run yet. @returns {Source} */
function ofProcess() {
  const Tiercel = require('../handler.js')
  // Its options are chosen by then.
  const { shared } = Tiercel.stats()
  const place = placeHere()
  const operator = shared ? open(place, { namespace: shared.namespace }) : undefined
  const decisions = Tiercel.decisions
  if (operator) return { ...ofServer(operator), decisions }
  const alone = new Operator(place, { about: () => '{}', close: async () => {} })
  return {
    about: { namespace: place.namespace, place: 'memory of this process', version, isFleet: false },
    everyMs: ALONE_MS,
    isFleet: false,
    fleet: async () => {
      const [own] = await Tiercel.instances()
      // Alone it holds no leases.
      const leases = { ...own.leases, held: Tiercel.stats().flights }
      return { nowMs: Date.now(), instances: [{ ...own, leases }], silent: [] }
    },
    nodes: async () => [],
    history: async () => JSON.parse(place.native.history()),
    operator: () => alone,
    decisions,
    purge: (tags, expireSecs) =>
      Tiercel.updateTags(tags, expireSecs === undefined ? undefined : { expire: expireSecs }),
    rest: async () => {},
  }
}

/** @returns {import('../operate/place.js').Place} */
function placeHere() {
  const { app } = require('../app.js')
  const apps = require('../apps.js')
  const { labelOf } = require('../label.js')
  const { native } = require('../native.js')
  const { name, root, version: next } = app()
  const dir = process.cwd()
  const serverDir = apps.dirs()[0] ?? join(dir, '.next', 'server')
  return {
    dir,
    root: join(__dirname, '..', '..'),
    native,
    next: root === undefined || next === undefined ? undefined : { root, version: next },
    config: undefined,
    configName: undefined,
    handler: undefined,
    exported: undefined,
    serverDir,
    label: labelOf(serverDir),
    namespace: `${name}:${process.env.NODE_ENV || 'production'}`,
    problems: [],
  }
}

module.exports = { ofProcess, ofServer }
