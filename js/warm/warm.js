// @ts-check

// Requests the pages of a running server, to fill its caches before its traffic arrives.
//
//   options.js  options and their checks   pages.js  the pages that a build prerendered
//   client.js   one request                tally.js  the figures
//
// It loads no addon, so it works where there is none, against any Next.js server.

const { Client } = require('./client.js')
const { failure, resolve } = require('./options.js')
const { readBuild } = require('./pages.js')
const { Tally } = require('./tally.js')

/** The pause before the next request to a server that was not there, in ms. */
const AGAIN_MS = 200

/**
 * Requests every path once. See `warm.d.ts`.
 * @param {import('../../warm.d.ts').WarmOptions} [options]
 * @returns {Promise<import('../../warm.d.ts').WarmResult>}
 */
async function warm(options) {
  const plan = resolve(options)
  const build = plan.dir === undefined ? undefined : await readBuild(plan.dir)
  const paths = [...new Set([...(plan.paths ?? []), ...(build?.paths ?? [])])]
  const run = new Run(plan, build, paths)
  const stop = () => run.stop()
  plan.signal?.addEventListener('abort', stop)
  if (plan.signal?.aborted) stop()
  try {
    return await run.finish()
  } finally {
    plan.signal?.removeEventListener('abort', stop)
    run.stop()
  }
}

/** One call under way. */
class Run {
  #plan
  #build
  #paths
  #next = 0
  #client
  #tally
  #basePath
  #isStopped = false
  #wake = () => {}

  /**
   * @param {import('./options.js').Plan} plan
   * @param {import('./pages.js').Build | undefined} build
   * @param {string[]} paths
   */
  constructor(plan, build, paths) {
    this.#plan = plan
    this.#build = build
    this.#paths = paths
    this.#client = new Client(plan)
    this.#tally = new Tally(paths.length)
    this.#basePath = plan.basePath ?? build?.basePath ?? ''
  }

  /** Ends the requests under way, and begins no others. */
  stop() {
    this.#isStopped = true
    this.#client.close()
    this.#wake()
  }

  /** Resolves to the figures once every path is answered, or the run is stopped. */
  async finish() {
    await this.#begin()
    await Promise.all(Array.from({ length: this.#plan.concurrency }, () => this.#work()))
    return this.#tally.result(this.#tally.progress.done < this.#paths.length)
  }

  /**
   * Requests the first path alone, again and again until a server answers: all requests together
   * would be too much for a server that is just starting.
   * @throws {Error} with `code` `TIERCEL_NO_SERVER` if none does
   */
  async #begin() {
    const [path] = this.#paths
    if (path === undefined) return
    const until = performance.now() + this.#plan.waitMs
    let answer = await this.#ask(path)
    while (answer.isAbsent && !this.#isStopped && performance.now() < until) {
      await this.#pause(Math.min(AGAIN_MS, until - performance.now()))
      answer = await this.#ask(path)
    }
    if (this.#isStopped) return
    if (answer.isAbsent && answer.status === undefined) {
      const message = `no server answers at ${this.#plan.server.origin}: ${answer.reason}`
      throw failure('TIERCEL_NO_SERVER', message)
    }
    this.#next = 1
    await this.#note(path, answer)
  }

  async #work() {
    while (!this.#isStopped && this.#next < this.#paths.length) {
      const path = this.#paths[this.#next++]
      const answer = await this.#ask(path)
      // A request that was cut off has neither succeeded nor failed.
      if (!this.#isStopped) await this.#note(path, answer)
    }
  }

  /** @param {string} path */
  #ask(path) {
    const isHome = /^\/($|\?)/.test(path)
    // The home of an app with a base path has no slash of its own, or all paths have one.
    const own = isHome && this.#basePath !== '' && !this.#build?.hasSlash ? path.slice(1) : path
    const { pathname, search } = new URL(this.#plan.server.origin + this.#basePath + own)
    return this.#client.ask(pathname + search)
  }

  /** @param {string} path @param {import('./client.js').Answer} answer */
  async #note(path, answer) {
    const { status = 0, reason } = answer
    const isFailed =
      status < 100 || (status >= 400 && status !== (await this.#build?.statusOf(path)))
    this.#tally.add(path, answer, isFailed)
    const { cache, bytes, ms } = answer
    const result = status === 0 ? { path, reason } : { path, status, cache }
    this.#plan.onProgress?.({ ...result, isFailed, bytes, ms, ...this.#tally.progress })
  }

  /** @param {number} ms */
  async #pause(ms) {
    await new Promise((wake) => {
      const timer = setTimeout(wake, ms)
      this.#wake = () => {
        clearTimeout(timer)
        wake(undefined)
      }
    })
  }
}

module.exports = { warm }
