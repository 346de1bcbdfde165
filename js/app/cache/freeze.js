// @ts-check

/** Methods that change what has no properties to freeze. */
const CHANGES = /^(?:set|add|delete|clear)/

/**
 * Freezes a value and all in it, which is then shared by all who ask. Bytes cannot be frozen.
 * @param {any} value
 */
function freeze(value) {
  const seen = new Set()
  const left = [value]
  while (left.length > 0) {
    const one = left.pop()
    const is = typeof one === 'object' && one !== null
    if (!is || seen.has(one) || ArrayBuffer.isView(one)) continue
    seen.add(one)
    if (one instanceof Map) left.push(...one.keys(), ...one.values())
    else if (one instanceof Set) left.push(...one)
    if (one instanceof Map || one instanceof Set || one instanceof Date) refuse(one)
    // What a getter gives is not part of it, and may be anything.
    for (const part of Object.values(Object.getOwnPropertyDescriptors(one))) left.push(part.value)
    if (!(one instanceof ArrayBuffer)) Object.freeze(one)
  }
  return value
}

/** @param {any} one */
function refuse(one) {
  const value = () => {
    throw new TypeError('tiercel/app: a shared value cannot be changed')
  }
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(one))) {
    if (CHANGES.test(name)) Object.defineProperty(one, name, { value })
  }
}

module.exports = { freeze }
