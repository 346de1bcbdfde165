// @ts-check

const { say } = require('./say.js')

/**
 * Options of `withTiercel` on their way to the processes that serve and build.
 *
 * A process that reads next.config puts them into the environment: its children inherit that, and
 * servers read it when they load the handler. A standalone server reads no next.config. Its options
 * are part of the build, in `env` of the config that Next.js writes into `server.js`.
 */

const VARIABLE = 'TIERCEL_OPTIONS'
/** The config of a standalone server, as its `server.js` sets it, 16.0 to 16.4. */
const STANDALONE = '__NEXT_PRIVATE_STANDALONE_CONFIG'

/** Secrets that no build should hold, since they would ship with its image. */
const SECRET = /** @type {const} */ ({
  secret: 'TIERCEL_SECRET',
  redisPassword: 'TIERCEL_REDIS_PASSWORD',
  redisSentinelPassword: 'TIERCEL_REDIS_SENTINEL_PASSWORD',
})

/**
 * Hands options to the handler of this process, loaded already or later, and to its children.
 * @param {Record<string, unknown>} options
 */
function hand(options) {
  for (const [name, value] of Object.entries(options)) {
    if (typeof value !== 'function') continue
    const cure = `call configure({ ${name} }) in instrumentation.ts or in a handler file of your own`
    throw invalid(`option \`${name}\` is a function, which does not reach the servers; ${cure}`)
  }
  const text = JSON.stringify(options)
  if (text === '{}') {
    delete process.env[VARIABLE]
    return
  }
  process.env[VARIABLE] = text
  const loaded = /** @type {any} */ (globalThis)[Symbol.for('tiercel.handler')]
  try {
    loaded?.configure({})
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'TIERCEL_ALREADY_RUNNING') throw error
    // A server that serves with the options it has is better than none.
    say(
      'a call of the handler came before next.config was read, and the engine runs with the options ' +
        'of that call: withTiercel could not set others; call the handler later, or configure() first',
    )
  }
}

/**
 * The `env` that a standalone build needs so that options reach its servers.
 * @param {Record<string, any>} config
 * @param {Record<string, unknown>} options
 * @returns {Record<string, string> | undefined}
 */
function variables(config, options) {
  const isStandalone = config.output === 'standalone' || process.env.NEXT_PRIVATE_STANDALONE
  if (!isStandalone) return undefined
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) say(undefinedLine(name))
  }
  const text = JSON.stringify(options)
  if (text === '{}') return undefined
  for (const [name, variable] of Object.entries(SECRET)) {
    if (options[name] != null) throw revealed(name, variable)
  }
  if (/^[^/?#]*\/\/[^/?#]*:[^/?#]*@|password=/i.test(String(options.redisUrl ?? ''))) {
    throw revealed('redisUrl', 'TIERCEL_REDIS_URL')
  }
  return { [VARIABLE]: text }
}

/** @param {string} name */
function undefinedLine(name) {
  const variable = `TIERCEL_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`
  return `option \`${name}\` of withTiercel is undefined here, and so it is in the standalone server, which reads no next.config; set ${variable} where that runs`
}

/** @param {string} name @param {string} variable */
function revealed(name, variable) {
  return invalid(
    `option \`${name}\` of withTiercel would become part of the standalone build, ` +
      `and so of its image; set ${variable} where the server runs instead`,
  )
}

/** @param {string} what */
function invalid(what) {
  return Object.assign(new Error(`tiercel: ${what}`), { code: 'TIERCEL_INVALID_OPTION' })
}

/** The options of the next.config that this process has read, or was built with.
 * @returns {Record<string, unknown>} */
function received() {
  try {
    const text =
      process.env[VARIABLE] || JSON.parse(process.env[STANDALONE] ?? '{}').env?.[VARIABLE]
    const options = JSON.parse(text || '{}')
    return typeof options === 'object' && options !== null && !Array.isArray(options) ? options : {}
  } catch {
    return {}
  }
}

module.exports = { VARIABLE, hand, variables, received }
