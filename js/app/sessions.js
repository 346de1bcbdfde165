// @ts-check

const { createHash, randomBytes } = require('node:crypto')
const { ASK, MOST_SESSIONS, SESSION_CELLS } = require('../abi.js')
const checks = require('./checks.js')
const { invalid } = require('./errors.js')
const { Cookie } = require('./cookie.js')
const { Seal } = require('./seal.js')
const { ask } = require('./store.js')

const OPTIONS = /** @type {const} */ ([
  'name',
  'ttl',
  'absoluteTtl',
  'rolling',
  'maxPerUser',
  'grace',
  'cookie',
  'secrets',
])
/** 96 bits that find the user, and 256 that nobody can guess. */
const ID = /^([\w-]{16})[\w-]{43}$/
/** What a session may hold, in bytes. */
const MOST_BYTES = 32 << 10
/** Cells of one session in a list: the hash of its id comes first. */
const CELLS = 1 + SESSION_CELLS

/**
 * Sessions. The store holds the hashes of their ids.
 * @param {any} [options]
 */
function sessions(options) {
  const given = checks.options('sessions', options, OPTIONS)
  const group = checks.group('sessions: `name`', given.name ?? 'sessions')
  const ttlMs = checks.duration('sessions: `ttl`', given.ttl ?? '7d', { least: 1_000 })
  const absoluteMs = checks.duration('sessions: `absoluteTtl`', given.absoluteTtl ?? '30d', {
    least: ttlMs,
  })
  const rollMs = checks.flag('sessions: `rolling`', given.rolling ?? true) ? ttlMs : 0
  const most = checks.whole('sessions: `maxPerUser`', given.maxPerUser ?? 100, 1, MOST_SESSIONS)
  const graceMs = checks.duration('sessions: `grace`', given.grace ?? '30s', { most: 600_000 })
  const seal = new Seal(group, given.secrets)
  const cookie = new Cookie(given.cookie, absoluteMs)

  /** @param {unknown} userId */
  const tagOf = (userId) => {
    const own = checks.own('the user id', userId)
    return createHash('sha256').update(`${group}\0${own}`).digest('base64url').slice(0, 16)
  }
  /** @param {Buffer} bytes @param {string} tag */
  const opened = (bytes, tag) => {
    const text = seal.open(bytes, tag)
    return text === undefined ? undefined : checks.parsed(text)
  }
  /** @param {string} tag @param {{ u: string, d: unknown, v: unknown }} held */
  const sealed = (tag, held) => seal.close(checks.json('the data', held, MOST_BYTES), tag)

  return Object.freeze({
    cookie,
    /** @param {string} userId @param {unknown} [data] @param {{ device?: string }} [more] */
    async create(userId, data = null, more) {
      const { device = null } = checks.options('create', more, ['device'])
      if (device !== null) checks.own('create: `device`', device)
      const tag = tagOf(userId)
      const id = newId(tag)
      const bytes = sealed(tag, { u: userId, d: data, v: device })
      await ask(ASK.SESSION_CREATE, group, tag, id, bytes, ttlMs, absoluteMs, most)
      return id
    },
    /** @param {unknown} id */
    async get(id) {
      const tag = tagIn(id)
      if (tag === undefined) return null
      const [word, ...cells] = await ask(ASK.SESSION_GET, group, tag, id, rollMs)
      if (word !== 'found') return null
      const held = opened(cells[5], tag)
      return held ? { id, ...shown(cells, held), data: held.d } : null
    },
    /** @param {unknown} id @param {unknown} data */
    async update(id, data) {
      const tag = tagIn(id)
      if (tag === undefined) return false
      const [word, ...cells] = await ask(ASK.SESSION_GET, group, tag, id, 0)
      const held = word === 'found' ? opened(cells[5], tag) : undefined
      if (!held) return false
      const bytes = sealed(tag, { ...held, d: data })
      const [done] = await ask(ASK.SESSION_UPDATE, group, tag, id, bytes)
      return done === 'done'
    },
    /** @param {unknown} id */
    async rotate(id) {
      const tag = tagIn(id)
      if (tag === undefined) return null
      const heir = newId(tag)
      const [word] = await ask(ASK.SESSION_ROTATE, group, tag, id, heir, graceMs)
      return word === 'done' ? heir : null
    },
    /** @param {unknown} id */
    async destroy(id) {
      const tag = tagIn(id)
      if (tag === undefined) return false
      const [word] = await ask(ASK.SESSION_DESTROY, group, tag, id)
      return word === 'done'
    },
    /** @param {string} userId */
    async list(userId) {
      const tag = tagOf(userId)
      const [, ...cells] = await ask(ASK.SESSION_LIST, group, tag)
      const all = []
      for (let at = 0; at < cells.length; at += CELLS) {
        const [hash, ...one] = cells.slice(at, at + CELLS)
        const held = opened(one[5], tag)
        if (held) all.push({ handle: hash.slice(0, 16), ...shown(one, held) })
      }
      return all.sort((one, other) => one.createdAt - other.createdAt)
    },
    /** @param {string} userId @param {{ except?: string }} [options] */
    async destroyAll(userId, options) {
      const { except = '' } = checks.options('destroyAll', options, ['except'])
      const tag = tagOf(userId)
      if (except !== '' && tagIn(except) !== tag) {
        throw invalid('destroyAll: `except`', 'the id of a session of that user', except)
      }
      const [, ended] = await ask(ASK.SESSION_DESTROY_ALL, group, tag, except)
      return /** @type {number} */ (ended)
    },
  })
}

/** @param {string} tag */
function newId(tag) {
  return tag + randomBytes(32).toString('base64url')
}

/** What cannot be an id need not be looked for. @param {unknown} id @returns {string | undefined} */
function tagIn(id) {
  return typeof id === 'string' ? ID.exec(id)?.[1] : undefined
}

/** @param {any[]} cells @param {any} held */
function shown([createdAt, lastSeenAt, expiresAt, endsAt, isRotated], held) {
  const device = held.v ?? undefined
  return {
    userId: held.u,
    device,
    createdAt,
    lastSeenAt,
    expiresAt,
    endsAt,
    isRotated: isRotated === 1,
  }
}

module.exports = { sessions }
