import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { spawnGuarded } from '../guarded.mjs'

const PROGRAM = fileURLToPath(new URL('instance.mjs', import.meta.url))
const LOADED_MS = 15_000
/** More than any call of the engine may take. */
const ANSWERED_MS = 10_000

/** Variables that no instance may see: those of the test runner, and of the machine's own cache. */
const FOREIGN = /^(NODE_ENV|NODE_OPTIONS|VITEST.*|REDIS_URL|TIERCEL_.*|NEXT_.*)$/

/**
 * Starts `count` processes that each have Tiercel loaded, as one instance of an app each.
 *
 * @param {number} count
 * @param {Record<string, string>} [env] their `TIERCEL_...` variables
 * @param {{ cwd?: string, flags?: string[] }} [options] `flags` of Node.js
 */
export async function fleet(count, env = {}, options = {}) {
  const instances = Array.from({ length: count }, () => new Instance(env, options))
  const stop = () => Promise.all(instances.map((one) => one.kill())).then(() => {})
  try {
    await Promise.all(instances.map((one) => one.loaded()))
  } catch (error) {
    await stop()
    throw error
  }
  return Object.assign(instances, { stop })
}

/** One process of a fleet. Every call rejects once the process has ended. */
class Instance {
  #dir = mkdtempSync(join(tmpdir(), 'tiercel-instance-'))
  #guarded
  #calls = new Map()
  #count = 0

  constructor(env, { cwd = this.#dir, flags = [] }) {
    const own = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))
    this.#guarded = spawnGuarded([process.execPath, ...flags, PROGRAM], {
      dir: this.#dir,
      log: join(this.#dir, 'log'),
      cwd,
      env: { ...Object.fromEntries(own), ...env },
      ipc: true,
    })
    const { child, exited } = this.#guarded
    child.channel?.unref()
    child.on('message', (answer) => this.#settle(answer))
    exited.then((how) => {
      const error = new Error(`the instance ended (${how})`)
      for (const { reject } of this.#calls.values()) reject(error)
    })
  }

  get pid() {
    return this.#guarded.pid
  }

  /** The output so far. */
  log() {
    return this.#guarded.log()
  }

  /** Resolves to the module's exports once they are there; a refused configuration rejects. */
  async loaded() {
    return this.#call('loaded', [], LOADED_MS)
  }

  // `cacheHandler`: each of these calls is a request of its own; see `request` for longer ones.

  /**
   * The value that `get` finds, or `null`. `context` as Next.js gives it, without its kind; its
   * `unit` is the type of the work unit store.
   */
  get(kind, key, context = {}) {
    return this.#call('get', [undefined, key, { kind, ...context }])
  }

  set(key, value, context = {}) {
    return this.#call('set', [undefined, key, value, context])
  }

  /** Calls both handlers, as Next.js does; resolves when both have. */
  invalidate(tags, durations) {
    return this.#call('invalidate', [tags, durations])
  }

  /**
   * A request that makes several calls: it generates and sets the values that it misses.
   *
   * @param {object} [context] as Next.js gives it to the constructor of the handler
   * @returns an object with `get`, `set` and `revalidateTag`
   */
  async request(context) {
    const id = await this.#call('request', [context])
    return {
      get: (kind, key, context = {}) => this.#call('get', [id, key, { kind, ...context }]),
      set: (key, value, context = {}) => this.#call('set', [id, key, value, context]),
      revalidateTag: (tags, durations) => this.#call('revalidateTag', [id, tags, durations]),
    }
  }

  // `cacheHandlers`.

  /** The entry that `get` finds, its stream read: `value` is a Buffer. `undefined` for a miss. */
  useGet(key, softTags = [], unit) {
    return this.#call('useGet', [key, softTags, unit])
  }

  /**
   * Stores an entry that holds `body`; `more` replaces its tags, lifetime, or `timestamp`, which is
   * `now()` when not given.
   */
  useSet(key, body, more = {}) {
    return this.#call('useSet', [key, body, more])
  }

  /** Next's clock of the process, in ms: when a generation begins. */
  now() {
    return this.#call('now', [])
  }

  stats() {
    return this.#call('stats', [])
  }

  /** Runs `body({ Tiercel, require, ...given })` there; resolves to what it returns. */
  run(body, given = {}) {
    return this.#call('run', [body.toString(), given])
  }

  /** Freezes the process. Calls wait until it goes on. */
  pause() {
    this.#guarded.pause()
  }

  resume() {
    this.#guarded.resume()
  }

  /** Ends the process; resolves to the exit code or the signal. */
  async kill(signal = 'SIGKILL') {
    const how = await this.#guarded.kill(signal)
    rmSync(this.#dir, { recursive: true, force: true })
    return how
  }

  #call(name, args, patience = ANSWERED_MS) {
    if (!this.#guarded.isAlive) return Promise.reject(new Error('the instance has ended'))
    const id = ++this.#count
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`no answer to ${name} in ${patience} ms\n${this.log()}`))
      this.#calls.set(id, { resolve, reject, timer: setTimeout(late, patience) })
      this.#guarded.child.send({ id, name, args }, () => {})
    }).finally(() => {
      clearTimeout(this.#calls.get(id)?.timer)
      this.#calls.delete(id)
    })
  }

  #settle({ id, answer, error }) {
    const call = this.#calls.get(id)
    if (error) call?.reject(Object.assign(new Error(error.message), { code: error.code }))
    else call?.resolve(answer)
  }
}
