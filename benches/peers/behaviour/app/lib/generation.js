/** Names one run of a render or a cached function: a text that no other run gives, bundled twice or not. */
export function generation(name) {
  globalThis.generations = (globalThis.generations ?? 0) + 1
  return `${name}:${process.pid}:${globalThis.generations}`
}
