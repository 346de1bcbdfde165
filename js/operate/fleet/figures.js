// @ts-check

const { Past, loadOf, percent } = require('../load.js')

/**
 * Figures of a fleet, from what its instances tell and what went before.
 *
 * @typedef {import('../../../index.js').Instance} Instance
 * @typedef {{ nowMs: number, instances: Instance[], silent: string[] }} Fleet
 * @typedef {import('../load.js').Node} Node
 * @typedef {{ fleet: Fleet, nodes: Node[] }} Sample
 * @typedef {ReturnType<typeof rowOf>} Row
 * @typedef {ReturnType<Figures['take']>} Shown
 */

/** Invalidations that are shown. */
const MOST_INVALIDATED = 50

/** Remembers of each instance the last snapshots but one, for what happened since. */
class Figures {
  /** @type {Map<string, { last: Instance, before?: Instance }>} */
  #known = new Map()
  #past = new Past()

  /** @param {Sample} sample */
  take({ fleet, nodes }) {
    const { nowMs, instances, silent } = fleet
    this.#known = new Map(instances.map((one) => [one.id, this.#kept(one)]))
    const rows = instances.map((one) => rowOf(one, this.#known.get(one.id)?.before, nowMs))
    return {
      nowMs,
      rows,
      silent: silent.length,
      total: totalOf(rows),
      busiest: summed(instances.map((one) => one.busiest)),
      busiestTags: summed(instances.map((one) => one.busiestTags)),
      invalidated: invalidatedBy(instances),
      redis: this.#load(nodes, nowMs),
    }
  }

  /** @param {Instance} now */
  #kept(now) {
    const known = this.#known.get(now.id)
    if (!known) return { last: now }
    return known.last.at === now.at ? known : { last: now, before: known.last }
  }

  /** @param {Node[]} nodes @param {number} nowMs */
  #load(nodes, nowMs) {
    const grown = this.#past.since(nodes, nowMs)
    const shares = grown.map(({ secs, by }) => (by('used_cpu_sys') + by('used_cpu_user')) / secs)
    return {
      ...loadOf(nodes),
      /** Of one core. */
      cpuPercent: shares.length > 0 ? 100 * shares.reduce((sum, share) => sum + share, 0) : null,
    }
  }
}

/** @param {Instance} instance */
function answersOf({ kinds }) {
  const all = { hits: 0, misses: 0 }
  for (const { fresh, stale, misses } of Object.values(kinds)) {
    all.hits += fresh + stale
    all.misses += misses
  }
  return all
}

/**
 * What is shown of an instance. Its rates are those between its last two snapshots; before there are
 * two, the hit rate is that since its start.
 * @param {Instance} now
 * @param {Instance | undefined} before
 * @param {number} nowMs
 */
function rowOf(now, before, nowMs) {
  const [all, then] = [answersOf(now), before ? answersOf(before) : { hits: 0, misses: 0 }]
  const [hits, misses] = [all.hits - then.hits, all.misses - then.misses]
  const secs = before ? (now.at - before.at) / 1e3 : 0
  const { bytes, capacityBytes } = now.memory
  return {
    id: now.id,
    name: now.name,
    instance: now,
    state: now.state,
    hits,
    misses,
    hitPercent: percent(hits, misses),
    getsPerSec: secs > 0 ? (hits + misses) / secs : null,
    p50Micros: now.get.p50Micros,
    p99Micros: now.get.p99Micros,
    memoryBytes: bytes,
    memoryPercent: capacityBytes > 0 ? (100 * bytes) / capacityBytes : null,
    lagMs: now.lagMs,
    leases: now.leases.held,
    upMs: Math.max(0, nowMs - now.startedAt),
    ageMs: now.ageMs,
  }
}

/** @param {Row[]} rows */
function totalOf(rows) {
  /** @param {(row: Row) => number | null} of */
  const sum = (of) => rows.reduce((all, row) => all + (of(row) ?? 0), 0)
  const rated = rows.filter(({ getsPerSec }) => getsPerSec !== null)
  // What one has done since its start would outweigh what the others have done in some seconds.
  const { hits, misses } = answersOfAll(rated.length > 0 ? rated : rows)
  return {
    hitPercent: percent(hits, misses),
    getsPerSec: rated.length > 0 ? sum(({ getsPerSec }) => getsPerSec) : null,
    p99Micros: Math.max(0, ...rows.map(({ p99Micros }) => p99Micros)),
    memoryBytes: sum(({ memoryBytes }) => memoryBytes),
    capacityBytes: sum(({ instance }) => instance.memory.capacityBytes),
    lagMs: Math.max(0, ...rows.map(({ lagMs }) => lagMs)),
    leases: sum(({ leases }) => leases),
  }
}

/** @param {Row[]} rows */
function answersOfAll(rows) {
  const all = { hits: 0, misses: 0 }
  for (const { hits, misses } of rows) {
    all.hits += hits
    all.misses += misses
  }
  return all
}

/**
 * The busiest of all instances together.
 * @param {{ name: string, kind?: string, perSec: number }[][]} lists
 */
function summed(lists) {
  /** @type {Map<string, { name: string, kind?: string, perSec: number, instances: number }>} */
  const all = new Map()
  for (const { name, kind, perSec } of lists.flat()) {
    const id = `${kind ?? ''} ${name}`
    const one = all.get(id) ?? { name, ...(kind && { kind }), perSec: 0, instances: 0 }
    one.perSec = Math.round((one.perSec + perSec) * 10) / 10
    one.instances++
    all.set(id, one)
  }
  return [...all.values()].sort(
    (one, other) => other.perSec - one.perSec || (one.name < other.name ? -1 : 1),
  )
}

/** @param {Instance[]} instances */
function invalidatedBy(instances) {
  const all = instances.flatMap(({ name, invalidated }) =>
    invalidated.map((one) => ({ ...one, by: name })),
  )
  return all.sort((one, other) => other.at - one.at).slice(0, MOST_INVALIDATED)
}

module.exports = { Figures, rowOf }
