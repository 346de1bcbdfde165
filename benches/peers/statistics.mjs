// @ts-check
/** Samples summed up. */
import { median } from '../handlers/contest.mjs'

/**
 * @typedef {{ median: number, min: number, max: number }} Spread
 *
 * @typedef {object} Sum what one subject got in one measure
 * @property {number} samples
 * @property {Spread} [value] nothing if no sample has one
 * @property {Spread} [main]
 * @property {Spread} [cpu]
 * @property {string} [failed] what it did instead, the most frequent if several
 * @property {number} fails
 */

/** @param {(number | undefined)[]} numbers @returns {Spread | undefined} */
export function spreadOf(numbers) {
  const known = numbers.filter((one) => one !== undefined)
  if (known.length === 0) return undefined
  return { median: median(known), min: Math.min(...known), max: Math.max(...known) }
}

/**
 * @param {import('./workloads.mjs').Figure[]} figures
 * @param {string[]} fails
 * @returns {Sum}
 */
export const sumOf = (figures, fails) => ({
  samples: figures.length + fails.length,
  value: spreadOf(figures.map(({ value }) => value)),
  main: spreadOf(figures.map(({ main }) => main)),
  cpu: spreadOf(figures.map(({ cpu }) => cpu)),
  failed: mostFrequent(fails),
  fails: fails.length,
})

/** @param {string[]} texts */
function mostFrequent(texts) {
  /** @type {Map<string, number>} */
  const counts = new Map()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return [...counts].sort(([, one], [, two]) => two - one)[0]?.[0]
}
