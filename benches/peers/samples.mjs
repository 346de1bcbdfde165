// @ts-check
/** Processes of samples: each is fresh, has a folder of its own, and says why it failed. */
import { fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { subjects } from './subjects.mjs'

const program = fileURLToPath(new URL('./process.mjs', import.meta.url))
/** Of what a process prints. */
const TAIL = 2_000
/** Variables that no subject may see: another cache's. */
const FOREIGN = /^(NODE_ENV|NODE_OPTIONS|REDIS.*|TIERCEL_.*|NEXT_.*|VERCEL.*|KEY_PREFIX)$/
const ROUTES = { version: 4, routes: {}, dynamicRoutes: {}, notFoundRoutes: [], preview: {} }

/** What a subject did instead of what was asked for. */
export class Failed extends Error {}

class Sample {
  #child
  #dir = mkdtempSync(join(tmpdir(), 'tiercel-peers-'))
  #printed = ''
  /** @type {{ resolve: (result: any) => void, reject: (error: Error) => void } | undefined} */
  #asked

  /** @param {string} name @param {string} url */
  constructor(name, url) {
    const server = join(this.#dir, '.next', 'server')
    mkdirSync(server, { recursive: true })
    // All processes of a subject are of one build.
    writeFileSync(join(this.#dir, '.next', 'BUILD_ID'), 'bench')
    writeFileSync(join(this.#dir, '.next', 'prerender-manifest.json'), JSON.stringify(ROUTES))
    const own = Object.entries(process.env).filter(([variable]) => !FOREIGN.test(variable))
    const env = { ...Object.fromEntries(own), NODE_ENV: 'production', REDIS_URL: url }
    this.#child = fork(program, [name, url, this.#dir], {
      cwd: this.#dir,
      env: { ...env, ...subjects[name].env },
      execArgv: ['--expose-gc', '--max-old-space-size=8192'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      output?.on('data', (chunk) => {
        this.#printed = (this.#printed + chunk).slice(-TAIL)
      })
    }
    this.#child.on('message', (/** @type {any} */ { result, error }) => {
      if (error) this.#asked?.reject(new Failed(firstLine(error)))
      else this.#asked?.resolve(result)
    })
    this.#child.on('exit', (code, signal) => {
      const why = firstLine(this.#printed)
      this.#asked?.reject(new Failed(`its process ended with ${code ?? signal}: ${why}`))
    })
  }

  /** @param {number} withinMs @param {string} act @param {...any} args @returns {Promise<any>} */
  async askWithin(withinMs, act, ...args) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    try {
      return await new Promise((resolve, reject) => {
        this.#asked = { resolve, reject }
        timer = setTimeout(
          () => reject(new Failed(`${act} had no end within ${withinMs / 1_000} s`)),
          withinMs,
        )
        this.#child.send([act, ...args], (error) => error && reject(new Failed(error.message)))
      })
    } finally {
      clearTimeout(timer)
    }
  }

  /** @param {string} act @param {...any} args @returns {Promise<any>} */
  ask(act, ...args) {
    return this.askWithin(30_000, act, ...args)
  }

  /** Ends it even if work in it goes on. */
  async end() {
    const { exitCode, signalCode } = this.#child
    if (exitCode === null && signalCode === null) {
      const gone = new Promise((resolve) => this.#child.once('exit', resolve))
      this.#asked = undefined
      this.#child.kill('SIGKILL')
      await gone
    }
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

/** @param {string} text */
function firstLine(text) {
  const lines = text.split('\n').map((line) => line.trim())
  const told = lines.find((line) => /error/i.test(line)) ?? lines.find(Boolean) ?? ''
  return told.replace(/^Error: /, '').slice(0, 140)
}

/**
 * Runs `body` with so many fresh processes of a subject.
 * @template T
 * @param {string} name
 * @param {string} url
 * @param {number} count
 * @param {(...processes: Sample[]) => Promise<T>} body
 */
export async function withProcesses(name, url, count, body) {
  const processes = Array.from({ length: count }, () => new Sample(name, url))
  try {
    return await body(...processes)
  } finally {
    await Promise.all(processes.map((one) => one.end()))
  }
}

/** @typedef {Sample} SampleProcess */
