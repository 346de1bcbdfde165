// @ts-check

/**
 * The load of the primaries, from what `INFO` says of each.
 *
 * @typedef {object} Node
 * @property {string} server
 * @property {Record<string, string>} info
 * @property {string | null} [trouble] why it says nothing
 */

/** @param {Node[]} nodes @param {string} field */
const sumOf = (nodes, field) => nodes.reduce((sum, node) => sum + numberOf(node, field), 0)

/** @param {Node} node @param {string} field */
const numberOf = ({ info }, field) => Number(info[field] ?? 0)

/** The load of all together. @param {Node[]} nodes */
function loadOf(nodes) {
  return {
    commandsPerSec: sumOf(nodes, 'instantaneous_ops_per_sec'),
    usedBytes: sumOf(nodes, 'used_memory'),
    mostBytes: sumOf(nodes, 'maxmemory'),
    clients: sumOf(nodes, 'connected_clients'),
    evicted: sumOf(nodes, 'evicted_keys'),
    away: nodes.flatMap(({ server, trouble }) => (trouble ? [{ server, trouble }] : [])),
  }
}

/** Remembers what each primary said last, for what has happened since. */
class Past {
  /** @type {Map<string, { node: Node, atMs: number }>} */
  #known = new Map()

  /**
   * How much the counters of each primary have grown, and in which time. Left out are those that say
   * nothing now, and those that have not before: another process under that name counts from zero.
   * @param {Node[]} nodes
   * @param {number} nowMs
   */
  since(nodes, nowMs) {
    const told = nodes.filter(({ trouble }) => !trouble)
    const grown = told.flatMap((node) => {
      const before = this.#known.get(node.server)
      const secs = before ? (nowMs - before.atMs) / 1e3 : 0
      if (!before || secs <= 0 || before.node.info.run_id !== node.info.run_id) return []
      /** @param {string} field */
      const by = (field) => Math.max(0, numberOf(node, field) - numberOf(before.node, field))
      return [{ secs, by }]
    })
    for (const node of told) this.#known.set(node.server, { node, atMs: nowMs })
    return grown
  }
}

/** @param {number} hits @param {number} misses */
const percent = (hits, misses) => (hits + misses > 0 ? (100 * hits) / (hits + misses) : null)

module.exports = { Past, loadOf, percent, sumOf }
