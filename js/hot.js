// @ts-check

/**
 * Objects that were returned before and are returned again. The addon says which may be kept, and
 * for how long; here is only where they lie.
 */

/** @typedef {{ handle: number, found: any }} Hot */

/** By kind, then key.
 * @type {Map<string, Hot>[]} */
const ready = Array.from({ length: 8 }, () => new Map())

/** Where each is kept, by handle.
 * @type {Map<number, { kind: number, key: string, found: any }>} */
const kept = new Map()

/**
 * Keeps `found` under the handle the addon gave it; a negative one says not to.
 * @param {number} kind
 * @param {string} key
 * @param {any} found
 * @param {number} handle
 */
function keep(kind, key, found, handle) {
  if (handle < 0) return
  ready[kind].set(key, { handle, found })
  kept.set(handle, { kind, key, found })
}

/** @param {number} handle */
function forget(handle) {
  const place = kept.get(handle)
  if (!place) return
  kept.delete(handle)
  const { kind, key } = place
  if (ready[kind].get(key)?.handle === handle) ready[kind].delete(key)
}

/** @param {number} handle */
const byHandle = (handle) => kept.get(handle)?.found

module.exports = { ready, keep, forget, byHandle }
