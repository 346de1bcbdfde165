// @ts-check

/**
 * Copies of a value that was read once: ten times as fast as reading it again. Of what is made of
 * plain objects, arrays, dates, maps, sets and primitives, and of no two references to one object.
 */

const { prototype } = Object

/**
 * Whether {@link copy} makes the same as another reading would.
 * @param {unknown} value
 * @param {Set<object>} [seen]
 * @returns {boolean}
 */
function isCopyable(value, seen = new Set()) {
  if (typeof value !== 'object' || value === null) return true
  if (seen.has(value) || seen.size > MOST) return false
  seen.add(value)
  if (value instanceof Date) return true
  if (value instanceof Map) {
    return [...value].every((pair) => pair.every((one) => isCopyable(one, seen)))
  }
  if (value instanceof Set) return [...value].every((one) => isCopyable(one, seen))
  const isArray = Array.isArray(value)
  if (!isArray && Object.getPrototypeOf(value) !== prototype) return false
  const parts = Object.values(value)
  if (isArray && parts.length !== value.length) return false
  return parts.every((one) => isCopyable(one, seen))
}

/** Objects in a value beyond which it is read again: a copy is kept in the heap of JavaScript. */
const MOST = 1_000

/**
 * @template T
 * @param {T} value
 * @returns {T}
 */
function copy(value) {
  return typeof value === 'object' && value !== null ? copyOf(value) : value
}

/** @param {any} value an object */
function copyOf(value) {
  if (Array.isArray(value)) {
    const out = value.slice()
    for (let at = 0; at < out.length; at++) {
      const one = out[at]
      if (typeof one === 'object' && one !== null) out[at] = copyOf(one)
    }
    return out
  }
  if (Object.getPrototypeOf(value) !== prototype) return copyOfBuiltin(value)
  const out = { ...value }
  for (const name in out) {
    const one = out[name]
    if (typeof one === 'object' && one !== null) out[name] = copyOf(one)
  }
  return out
}

/** @param {Date | Map<any, any> | Set<any>} value */
function copyOfBuiltin(value) {
  if (value instanceof Date) return new Date(value.getTime())
  if (value instanceof Set) return new Set([...value].map(copy))
  return new Map([...value].map(([name, one]) => [copy(name), copy(one)]))
}

module.exports = { isCopyable, copy }
