// @ts-check
/**
 * The process of one subject: carries out one request at a time, and is idle in between.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { answersWith } from '../handlers/answers.mjs'
import { SOFT_TAGS } from '../handlers/values.mjs'
import { costs } from './costs.mjs'
import { subjects } from './subjects.mjs'
import { sorts } from './values.mjs'

const [name, url] = process.argv.slice(2)
const under = await subjects[name](url)

/** More than the gets that are ever under way together: no two gets of one key meet. */
const KEYS = 256

/** @type {string[]} */
let keys = []
/** @type {(() => any)[]} */
let values = []
/** @type {(key: string) => Promise<any>} */
let get
/** @type {(key: string, value: any) => Promise<any>} */
let set
let turn = 0
let missed = 0

/**
 * `calls` calls of `call`, `width` of them under way at any time.
 * @param {number} width
 * @param {number} calls
 * @param {(nth: number) => Promise<any>} call
 */
async function inParallel(width, calls, call) {
  let left = calls
  const lane = async () => {
    while (left-- > 0) await call(turn++ % keys.length)
  }
  await Promise.all(Array.from({ length: Math.min(width, calls) }, lane))
}

async function found(/** @type {number} */ nth) {
  if (!(await get(keys[nth]))) missed += 1
}

/** A machine that stands still for a while makes Tiercel miss; more than that is a fault. */
function checked(/** @type {number} */ calls) {
  if (missed > calls / 100) throw new Error(`${missed} of ${calls} warm gets missed`)
  missed = 0
}

/** Resolves when the server has the key. @param {string} key */
async function stored(key) {
  for (let tries = 0; tries < 2_000; tries++) {
    if (await get(key)) return
    await sleep(5)
  }
  throw new Error(`the server never had ${key}`)
}

/** @type {Record<string, (...args: any[]) => any>} */
const acts = {
  /** Sets all keys, and waits until the server has them. */
  async prepare(sort, { count = KEYS } = {}) {
    const { make, key: keyOf, get: getWith, set: setWith } = sorts[sort]
    keys = Array.from({ length: count }, (_, nth) => keyOf(nth))
    values = Array.from({ length: KEYS }, (_, nth) => make(nth))
    const { incremental, use } = under
    get = getWith ? (key) => incremental.get(key, getWith) : (key) => use.get(key, SOFT_TAGS)
    set = setWith
      ? (key, value) => incremental.set(key, value, setWith)
      : (key, value) => use.set(key, Promise.resolve(value))
    turn = 0
    await inParallel(16, keys.length, (nth) => set(keys[nth], values[nth % KEYS]()))
    for (const key of keys) await stored(key)
  },

  async gets(width, calls) {
    const took = await costs(() => inParallel(width, calls, found))
    checked(calls)
    return took
  },

  /** How long each of `calls` gets took, in us. */
  async delays(width, calls) {
    /** @type {number[]} */
    const took = []
    await inParallel(width, calls, async (nth) => {
      const begun = performance.now()
      await found(nth)
      took.push(Math.round((performance.now() - begun) * 1e3))
    })
    checked(calls)
    return took
  },

  /** Until the server has all. */
  async sets(width, calls) {
    const made = Array.from({ length: calls }, (_, nth) => values[nth % KEYS]())
    return costs(async () => {
      await inParallel(width, calls, (nth) => set(keys[nth], made.pop()))
      await under.settled()
    })
  },

  close: () => under.close(),
}

answersWith(acts)
