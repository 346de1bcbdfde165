// @ts-check

/** What edge and browser bundles get: there is no addon, and every call says so. */

const refuse = require('../refusal.js').refusalOf('tiercel/app')

const refusal = Object.assign(() => refuse(), {
  concurrency: refuse,
  tiers: refuse,
  tryLock: refuse,
})

const cache = Object.assign(() => refuse(), {
  getOrSet: refuse,
  get: refuse,
  has: refuse,
  set: refuse,
  delete: refuse,
  deleteMany: refuse,
  expire: refuse,
  getMany: refuse,
  getOrSetMany: refuse,
  invalidateTags: refuse,
  wrap: refuse,
  namespace: refuse,
  configure: refuse,
})

exports.cache = cache
exports.clientIp = refusal
exports.codes = refusal
exports.counter = refusal
exports.kv = refusal
exports.lock = refusal
exports.onConnection = refusal
exports.onDecision = refusal
exports.onInvalidate = refusal
exports.rateLimit = refusal
exports.sessions = refusal
exports.tokens = refusal
exports.tryLock = refusal
exports.verifySignature = refusal
