// @ts-check

const { size, span } = require('../../command/terminal.js')
const { Trouble } = require('../operator.js')
const { fine, hint, problem } = require('./finding.js')

/** The server: the way to it, what its user may do there, and how it is set up. */

/** @typedef {import('../doctor.js').Finding} Finding */
/** @typedef {import('../operator.js').Asked} Operator */

/** Round trips that are timed. */
const ROUNDS = 20
/** Slower than this, a get waits noticeably. */
const SLOW_MS = 5
/** Clocks that differ more than this make ages and file dates differ. */
const MOST_CLOCK_MS = 60_000
/** Share of the memory from which a server that evicts nothing is about to refuse writes. */
const FULL = 0.9

/** What to do about a step that failed.
 * @type {Record<string, (detail: string) => string>} */
const CURES = {
  dns: () => 'check the host of the URL, and the DNS of this machine',
  tcp: () => 'check host and port, whether the server runs, and the firewall',
  socket: () => 'check the path, whether the server runs, and the rights on the file',
  tls: (detail) =>
    /certificate|UnknownIssuer|NotValidForName/i.test(detail)
      ? 'name its authority in redisTlsCaFile, and in redisTlsServerName the name it is for'
      : 'check that the port speaks TLS; redis:// is without',
  answer: (detail) =>
    /LOADING/.test(detail)
      ? 'it reads its data; wait'
      : 'check that this is Redis or Valkey; a server that speaks TLS only needs rediss://',
  login: (detail) =>
    /NOPERM/.test(detail)
      ? 'give the user +client|id, +info and +ping: docs/redis.md has the whole access list'
      : 'check user and password: TIERCEL_REDIS_USERNAME and TIERCEL_REDIS_PASSWORD count before those of the URL',
  database: () =>
    'choose a database that the server has; most clusters and managed servers have 0 only',
  sentinel: () => 'check the name of the primary, and that most of the listed Sentinels run',
  cluster: () => 'bring the missing primaries back, or set cluster-require-full-coverage no',
  primary: () => 'name the primary: a replica takes no writes',
  write: (detail) => {
    if (/OOM/.test(detail)) return 'set maxmemory-policy volatile-lru, or give it more memory'
    if (/MISCONF/.test(detail)) return 'its disk refuses to store: see its log'
    if (/NOREPLICAS/.test(detail))
      return 'bring its replicas back; min-replicas-to-write asks for them'
    if (/NOPERM/.test(detail))
      return 'give the user +set and the keys of the namespace: docs/redis.md'
    return 'see the log of the server'
  },
}

/**
 * The way to the server.
 * @param {Operator} operator
 */
async function reach(operator) {
  const { namespace, place } = operator.about()
  /** @type {any[]} */
  const steps = await operator.run('reach')
  const isReached = steps.some((step) => step.name === 'write')
  /** @type {Finding[]} */
  const findings = steps.map(({ name, target, isFine, detail, ms }) => {
    const text = `${name} ${target}: ${detail}`
    if (isFine) return fine('redis', `${text} (${span(ms)})`)
    // One host of several may be away.
    const level = isReached && (name === 'dns' || name === 'tcp') ? 'hint' : 'problem'
    return { level, area: 'redis', text, cure: CURES[name](detail) }
  })
  if (isReached) {
    findings.push(fine('redis', `namespace ${namespace} on ${place}`))
  } else if (steps.every((step) => step.isFine)) {
    findings.push(problem('redis', `${place} cannot be reached`, 'see its log'))
  }
  return { findings, isReached }
}

/** @param {Operator} operator @returns {Promise<Finding[]>} */
async function examine(operator) {
  const findings = []
  for (const part of [rights, facts, setup, distance, instances]) {
    try {
      findings.push(...(await part(operator)))
    } catch (error) {
      findings.push(unexamined(error, 'redis', 'give the user that right to have it examined'))
    }
  }
  return findings
}

/**
 * What could not be looked at. Only a missing right says nothing of how instances fare.
 * @param {unknown} error
 * @param {string} area
 * @param {string} cure where a right is missing
 * @returns {Finding}
 */
function unexamined(error, area, cure) {
  if (!(error instanceof Trouble)) throw error
  const { kind, message: text } = error
  if (kind === 'denied') return hint(area, text, cure)
  return problem(area, text, 'see the log of the server, and try again')
}

/** @param {Operator} operator @returns {Promise<Finding[]>} */
async function rights(operator) {
  /** @type {any[]} */
  const all = await operator.run('rights')
  const bad = all.filter(({ state }) => ['denied', 'missing', 'keys'].includes(state))
  const unknown = all.filter(({ state }) => state === 'unknown')
  // What only the command line needs is one line.
  const own = bad.filter(({ part, state }) => part === OWN_PART && state === 'denied')
  /** @type {Finding[]} */
  const findings = bad.filter((one) => !own.includes(one)).map(rightOf)
  if (own.length > 0) {
    const names = own.map(({ command }) => command)
    const cure = `to list and count entries, give the user ${names.map((name) => `+${name}`).join(' ')}`
    findings.push(hint('rights', WORDS.denied(names.join(', '), OWN_PART), cure))
  }
  if (unknown.length > 0) {
    const names = unknown.map(({ command }) => command).join(', ')
    findings.push(
      hint(
        'rights',
        `whether the user may run ${names} could not be found out`,
        'try again once the server answers quickly',
      ),
    )
  }
  if (findings.length === 0)
    findings.push(fine('rights', `the user may run all ${all.length} commands`))
  return findings
}

/** @param {any} right @returns {Finding} */
function rightOf({ command, part, state }) {
  const missing = state === 'keys' ? 'the keys and channels of the namespace' : `+${command}`
  return {
    level: isNeeded(command, part) ? 'problem' : 'hint',
    area: 'rights',
    text: WORDS[/** @type {'denied'} */ (state)](command, part),
    cure:
      state === 'missing'
        ? 'update the server'
        : `give the user ${missing}: docs/redis.md has the whole access list`,
  }
}

const OWN_PART = 'command line'
/** Who needs a command.
 * @type {Record<string, string>} */
const NEEDS = {
  invalidations: 'invalidations need',
  entries: 'entries need',
  leases: 'leases need',
  app: 'tiercel/app needs',
  'speed of invalidations': 'invalidations need to be quick',
  [OWN_PART]: 'only this command line needs',
}

const WORDS = {
  denied: (/** @type {string} */ command, /** @type {string} */ part) =>
    `the user may not run ${command}, which ${NEEDS[part]}`,
  missing: (/** @type {string} */ command, /** @type {string} */ part) =>
    `the server has no ${command}, which ${NEEDS[part]}`,
  keys: (/** @type {string} */ command) =>
    `the user may run ${command}, but not on the keys or channels of the namespace`,
}

/**
 * Without these something is lost. ZMSCORE has a substitute; the rest costs time or a command here.
 * @param {string} command @param {string} part
 */
function isNeeded(command, part) {
  return ['invalidations', 'entries', 'leases'].includes(part) && command !== 'zmscore'
}

/** @param {Operator} operator @returns {Promise<Finding[]>} */
async function facts(operator) {
  const { nodes } = await operator.run('facts')
  return nodes.flatMap((/** @type {any} */ node) => {
    if (node.trouble) return [away(node)]
    return [...version(node), ...memory(node), ...persistence(node), ...replicas(node)]
  })
}

/** @param {any} node */
function away({ server, trouble }) {
  return problem(
    'redis',
    `${server} says nothing: ${trouble}`,
    'bring it back: its keys are missing',
  )
}

/** @param {Operator} operator @returns {Promise<Finding[]>} */
async function setup(operator) {
  const told = await operator.run('setup')
  return [
    ...coverage(told),
    ...told.strangers.map((/** @type {string} */ text) =>
      problem(
        'keys',
        text,
        'something else uses this name: set another namespace, or remove the key',
      ),
    ),
  ]
}

/** @param {any} node @returns {Finding[]} */
function version({ server, info }) {
  const make = info.valkey_version ? 'Valkey' : 'Redis'
  const number = info.valkey_version ?? info.redis_version ?? ''
  const text = `${server} is ${make} ${number || 'of an unknown version'}`
  const [major] = number.split('.').map(Number)
  if (!(major < 6)) return [fine('redis', text)]
  return [problem('redis', text, '6.0 is the oldest that is supported: update it')]
}

/** @param {any} node @returns {Finding[]} */
function memory({ server, info, fault }) {
  const [used, most] = [Number(info.used_memory ?? 0), Number(info.maxmemory ?? 0)]
  const policy = info.maxmemory_policy ?? 'unknown'
  const about = `${server} has maxmemory ${most > 0 ? size(most) : 0} and maxmemory-policy ${policy}`
  const cure = 'set a maxmemory and maxmemory-policy volatile-lru'
  const findings = []
  if (fault) findings.push(problem('memory', `${about}: ${fault}`, cure))
  else if (policy.startsWith('allkeys')) {
    findings.push(
      hint(
        'memory',
        `${about}, and so may evict the table of invalidations`,
        'volatile-lru evicts entries only',
      ),
    )
  } else findings.push(fine('memory', about))
  if (most > 0 && policy === 'noeviction' && used > FULL * most) {
    findings.push(
      problem(
        'memory',
        `${server} is full: ${size(used)} of ${size(most)}`,
        'give it more memory, or let it evict',
      ),
    )
  }
  const evicted = Number(info.evicted_keys ?? 0)
  const [hits, misses] = [Number(info.keyspace_hits ?? 0), Number(info.keyspace_misses ?? 0)]
  if (evicted > 10_000 && misses > hits) {
    findings.push(
      hint(
        'memory',
        `${server} has evicted ${evicted} keys, and more keys were missing than found`,
        'give it more memory',
      ),
    )
  }
  return findings
}

/** @param {any} node @returns {Finding[]} */
function persistence({ server, info }) {
  const failed = [
    'rdb_last_bgsave_status',
    'aof_last_write_status',
    'aof_last_bgrewrite_status',
  ].filter((field) => info[field] !== undefined && info[field] !== 'ok')
  if (failed.length > 0) {
    return [
      problem(
        'disk',
        `${server} cannot store its data: ${failed.join(', ')}`,
        'see its log; it may refuse all writes (MISCONF)',
      ),
    ]
  }
  return [
    fine(
      'disk',
      `${server} stores its data ${info.aof_enabled === '1' ? 'in an append-only file' : 'in snapshots or not at all, which is enough for a cache'}`,
    ),
  ]
}

/** @param {any} node @returns {Finding[]} */
function replicas({ server, info }) {
  const count = Number(info.connected_slaves ?? 0)
  const have = `${server} has ${count} ${count === 1 ? 'replica' : 'replicas'}`
  if (count === 0)
    return [fine('replicas', `${server} has no replica: if it goes, entries are generated again`)]
  // A server says this only if it asks for any.
  if (info.min_slaves_good_slaves !== undefined)
    return [fine('replicas', `${have}, and min-replicas-to-write is set`)]
  return [
    hint(
      'replicas',
      `${have} and min-replicas-to-write 0: if it is cut off from them, it goes on taking invalidations that are lost later`,
      'set min-replicas-to-write 1 and min-replicas-max-lag 10',
    ),
  ]
}

/** @param {Operator} operator @returns {Promise<Finding[]>} */
async function distance(operator) {
  const { roundTripsMs, clockMs } = await operator.run('distance', { rounds: ROUNDS })
  const median = roundTripsMs[roundTripsMs.length >> 1] ?? 0
  const longest = roundTripsMs.at(-1) ?? 0
  const text = `a round trip takes ${span(median)}, ${span(longest)} at most`
  const findings = [
    /** @type {Finding} */ (
      median > SLOW_MS
        ? hint('latency', text, 'each first get of an entry waits so long: bring the server closer')
        : fine('latency', text)
    ),
  ]
  const off = Math.abs(clockMs)
  const clock = `the clock of the server is ${span(off)} ${clockMs < 0 ? 'behind' : 'ahead of'} that of this machine`
  if (off > MOST_CLOCK_MS)
    findings.push(
      problem(
        'clock',
        clock,
        'synchronise both: build output counts as older or younger than it is',
      ),
    )
  else findings.push(fine('clock', clock))
  return findings
}

/** @param {any} told @returns {Finding[]} */
function coverage({ isCluster, settings }) {
  if (!isCluster || settings['cluster-require-full-coverage'] !== 'yes') return []
  return [
    hint(
      'cluster',
      'cluster-require-full-coverage is yes, so the loss of one shard stops all',
      'set it to no',
    ),
  ]
}

/** @param {Operator} operator @returns {Promise<Finding[]>} */
async function instances(operator) {
  const all = await operator.run('instances')
  const text =
    all.length === 1 ? 'one instance is connected' : `${all.length} instances are connected`
  return [fine('fleet', text)]
}

module.exports = { reach, examine, unexamined }
