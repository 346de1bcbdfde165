// @ts-check

/** Numbers as they are read. */

/** Names of the kinds, and their places among the colours. @type {Record<string, string>} */
export const KINDS = {
  useCache: 'use cache',
  appPage: 'App Router pages',
  appRoute: 'route handlers',
  pages: 'Pages Router pages',
  fetch: 'fetch',
  image: 'images',
  own: 'tiercel/app',
}

/** @param {number | null | undefined} n */
export function count(n) {
  if (n === null || n === undefined) return '–'
  if (n < 10 && !Number.isInteger(n)) return n.toFixed(1)
  if (n < 10_000) return String(Math.round(n))
  if (n < 1e6) return `${(n / 1e3).toFixed(n < 1e5 ? 1 : 0)}k`
  return `${(n / 1e6).toFixed(n < 1e8 ? 1 : 0)}M`
}

/** @param {number | null | undefined} n */
export function percent(n) {
  if (n === null || n === undefined) return '–'
  // Not rounded up to what it is not.
  return `${(Math.floor(n * 10) / 10).toFixed(n === 100 ? 0 : 1)} %`
}

/** @param {number | null | undefined} bytes */
export function size(bytes) {
  if (bytes === null || bytes === undefined) return '–'
  if (bytes < 1_000) return `${Math.round(bytes)} B`
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`
}

/** @param {number | null | undefined} micros */
export function micros(micros) {
  if (micros === null || micros === undefined || micros === 0) return '–'
  return micros < 1_000
    ? `${micros < 10 ? micros.toFixed(1) : Math.round(micros)} µs`
    : span(micros / 1e3)
}

/** @param {number | null | undefined} ms */
export function span(ms) {
  if (ms === null || ms === undefined) return '–'
  if (ms < 1_000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
  const secs = ms / 1e3
  if (secs < 120) return `${secs < 10 ? secs.toFixed(1) : Math.round(secs)} s`
  if (secs < 7_200) return `${Math.round(secs / 60)} min`
  return secs < 172_800 ? `${Math.round(secs / 3_600)} h` : `${Math.round(secs / 86_400)} d`
}

/** @param {number} ms */
export const time = (ms) => new Date(ms).toLocaleTimeString('en-GB')

/** With its day, unless that is today. @param {number} ms @param {number} [now] */
export function moment(ms, now = Date.now()) {
  const [at, today] = [new Date(ms), new Date(now)]
  if (at.toDateString() === today.toDateString()) return time(ms)
  const isThisYear = at.getFullYear() === today.getFullYear()
  const year = isThisYear ? {} : /** @type {const} */ ({ year: 'numeric' })
  const day = at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', ...year })
  return `${day}, ${time(ms)}`
}

/** @param {number} n @param {string} one @param {string} [many] */
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`
