// @ts-check
// The contract between the addon and JavaScript, generated from `src/abi.rs`:
// TIERCEL_UPDATE=1 cargo test --lib follows_the_code

/** Kinds of values. */
const KIND = Object.freeze({
  USE_CACHE: 0,
  APP_PAGE: 1,
  APP_ROUTE: 2,
  PAGES: 3,
  FETCH: 4,
  IMAGE: 5,
  REDIRECT: 6,
  NOTHING: 7,
  OWN: 8,
})

/** Kinds of values, by the names that tags and commands have for them. */
const KIND_OF = Object.freeze({
  'use-cache': 0,
  page: 1,
  route: 2,
  pages: 3,
  fetch: 4,
  image: 5,
  redirect: 6,
  nothing: 7,
  app: 8,
})

/** Flags of a get; an answer that is a token comes with more. */
const FLAG = Object.freeze({
  /** `ctx.isFallback`. */
  FALLBACK: 1,
  /** `ctx.isRoutePPREnabled`. */
  PPR: 2,
  /** Reads and writes stay in this process. */
  LOCAL: 4,
  /** The caller always generates, or never does: it takes no part in leases. */
  ASIDE: 8,
  /** The caller never regenerates a stale entry. */
  PREFETCH: 16,
  /** The caller keeps what it makes of the answer: nothing stale may look fresh. */
  KEPT: 32,
  /** The caller may keep what it makes of a stale answer, which is then marked. */
  MARKED: 64,
  /** The last wait timed out. */
  LATE: 128,
  /** The time of the whole get is over: it waits no more. */
  OVER: 256,
})

/** What a call leaves in the mailbox, by place. */
const FIELD = Object.freeze({
  /** How to read the entry, a `MARK`; with a token, the flags to repeat the get with. */
  MARK: 0,
  /**
   * With a mark, the `lastModified` to show or, for a `'use cache'` entry, the position it
   * counts as; with a token, how long to wait, in ms.
   */
  DETAIL: 1,
  /**
   * The revision at the time of the answer; for a stale `'use cache'` entry, the epoch of
   * that position; with a token, 1 = it waits for what another generates.
   */
  REVISION: 2,
  /** The handle of the object; with a token, how long the get may wait in total, in ms. */
  HANDLE: 3,
  /** 1 as long as the addon writes to this mailbox. */
  ATTACHED: 4,
  /** Set by JavaScript: how long the get that is about to go on has waited, in ms; 0 if none. */
  WAITED: 5,
  /** With an answer that is `true`: how many numbers it has, which are in the places behind. */
  COUNT: 6,
})

/** How to read a returned entry. */
const MARK = Object.freeze({
  /** Fresh. */
  FRESH: 0,
  /** Stale, as Next.js sees by itself. */
  STALE: 1,
  /** Stale: with another `lastModified`, or `revalidate: -1`. */
  MODIFIED: 2,
  /** Stale: with another `lastModified` and a lifetime of a second. */
  BRIEF: 3,
  /** Of a check: fresh, unless the caller's tags say otherwise. */
  ASKED: 4,
  /** Stale, and another get generates: shown as fresh for a short time. */
  MEANWHILE: 5,
  /** Only for a generation that fails: to any other get it is a miss. */
  REMAINS: 6,
})

/** Instead of the position that a stale `'use cache'` entry counts as. */
const POSITION = Object.freeze({
  /** It is stale by age. */
  STALE_BY_AGE: -1,
  /** It counts as fresh and is only regenerated: values made of it need no trace. */
  NO_TRACE: -2,
})

/** How a wait ends. */
const ENDING = Object.freeze({
  /** It timed out. */
  LATE: 0,
  /** The awaited result has arrived, or never will. */
  DONE: 1,
  /** An invalidation could not be recorded. */
  FAILED: 2,
})

/** What an app's own code asks for, and its details. */
const ASK = Object.freeze({
  /** No details. */
  KV_GET: 10,
  /** Value, lifetime in ms, 1 = only where nothing is. */
  KV_SET: 11,
  /** No details. */
  KV_TAKE: 12,
  /** No details. */
  KV_DELETE: 13,
  /** Addend, lifetime in ms. */
  KV_INCREMENT: 14,
  /** Lifetime in ms. */
  KV_EXPIRE: 15,
  /** As of `KV_SET`. */
  TOKEN_SET: 21,
  /** No details. */
  TOKEN_TAKE: 22,
  /** No details. */
  TOKEN_DELETE: 23,
  /** Code, secret, lifetime in ms, attempts, pause in ms, codes per hour. */
  CODE_ISSUE: 30,
  /** Code, secret. */
  CODE_VERIFY: 31,
  /** No details. */
  CODE_REVOKE: 32,
  /** Owner, lifetime in ms, 1 = it waits if another holds the lock. */
  LOCK_ACQUIRE: 40,
  /** Owner, lifetime in ms. */
  LOCK_RENEW: 41,
  /** Owner. */
  LOCK_RELEASE: 42,
  /** Cost; 0 only looks. Instead of a group comes the number of the limit. */
  LIMIT_TAKE: 50,
  /** Time in ms. */
  LIMIT_BLOCK: 51,
  /** No details. */
  LIMIT_RESET: 52,
  /** Owner, lifetime in ms, how many there are, an `ON_ERROR`. */
  SEAT_ACQUIRE: 53,
  /** How many there are, an `ON_ERROR`. */
  SEAT_LOOK: 54,
  /** Owner, lifetime in ms, 1 = it was taken in this process, without the store. */
  SEAT_RENEW: 55,
  /** Owner, 1 = it was taken in this process, without the store. */
  SEAT_RELEASE: 56,
  /** Id, data, lifetime and longest lifetime in ms, most sessions of the user. */
  SESSION_CREATE: 60,
  /** Id, 0 = its lifetime does not begin again, else the lifetime in ms. */
  SESSION_GET: 61,
  /** Id, data. */
  SESSION_UPDATE: 62,
  /** Id, new id, for how long the old one stays valid in ms. */
  SESSION_ROTATE: 63,
  /** Id. */
  SESSION_DESTROY: 64,
  /** Id that stays, or an empty text. */
  SESSION_DESTROY_ALL: 65,
  /** No details. */
  SESSION_LIST: 66,
  /** No details. Instead of a group comes the number of the counter, here and below. */
  COUNT_GET: 70,
  /** Span in ms. */
  COUNT_SERIES: 71,
  /** No details. */
  COUNT_DISTINCT: 72,
  /** No details. */
  COUNT_REMOVE: 73,
  /** How many. The id is of no account. */
  COUNT_TOP: 74,
  /** No details. The id is of no account. */
  COUNT_FLUSH: 75,
  /** No details. Of all counters: neither number nor id are of account. */
  COUNT_FLUSH_ALL: 76,
})

/** How a window counts. */
const ALGORITHM = Object.freeze({
  FIXED: 0,
  SLIDING: 1,
  BUCKET: 2,
})

/** Who decides about a limit. */
const MODE = Object.freeze({
  EXACT: 0,
  FAST: 1,
})

/** What a limit does without its store. */
const ON_ERROR = Object.freeze({
  LOCAL: 0,
  OPEN: 1,
  CLOSED: 2,
})

/** The longest name of one thing, in bytes. */
const MOST_OWN = 512

/** The longest lifetime, in ms. */
const MOST_TTL_MS = 315360000000

/** The longest life of an entry, in ms. */
const MOST_LIFE_MS = 2592000000

/** The longest wait for a leader, in ms. */
const MOST_WAIT_MS = 10000

/** The largest value, in bytes. */
const MOST_VALUE = 8388608

/** The largest limit, and burst. */
const MOST_LIMIT = 1000000

/** The longest window, in ms. */
const MOST_SPAN_MS = 2678400000

/** Windows of one limit. */
const MOST_WINDOWS = 8

/** Holders of one seat. */
const MOST_HOLDERS = 10000

/** The shortest time of a seat, in ms. */
const LEAST_SEAT_MS = 1000

/** The longest, in ms. */
const MOST_SEAT_MS = 86400000

/** Sessions of one user. */
const MOST_SESSIONS = 1000

/** The time in which codes are counted, in ms. */
const CODE_SPAN_MS = 3600000

/** The most that is added to a count at once. */
const MOST_ADD = 1000000000

/** Buckets of a counter. */
const MOST_BUCKETS = 1000

/** The longest that adds are collected, in ms. */
const MOST_FLUSH_MS = 60000

/** Ids in one list. */
const MOST_TOP = 1000

/** Cells of a session in an answer. */
const SESSION_CELLS = 6

/** Cells of a ruling before its windows. */
const RULING_CELLS = 3

/** Cells of each window of a ruling. */
const WINDOW_CELLS = 3

/** Who decided about a limit, by number. */
const SOURCES = Object.freeze(['store', 'known', 'share', 'local', 'nobody'])

/** Doubles in the mailbox, which carries the rest of an answer, without an object for it. */
const MAILBOX = 34

/** Bits of the kind in a number that packs a kind and flags. */
const KIND_BITS = 8

/** Begins the tag that pages carry for their key. */
const KEY_TAG = 'tiercel:key:'

/** Begins the tag of a key of the app's own code. */
const OWN_TAG = 'tiercel:own:'

/** A handle, which names an object on both sides, is a place among this many, and a count above. */
const PLACES = 2097152

/** Begins a trace. */
const TRACE = 'tiercel:stale:'

/** The rest of a trace of age. */
const TRACE_OF_AGE = 'age'

module.exports = {
  KIND,
  KIND_OF,
  FLAG,
  FIELD,
  MARK,
  POSITION,
  ENDING,
  ASK,
  ALGORITHM,
  MODE,
  ON_ERROR,
  MOST_OWN,
  MOST_TTL_MS,
  MOST_LIFE_MS,
  MOST_WAIT_MS,
  MOST_VALUE,
  MOST_LIMIT,
  MOST_SPAN_MS,
  MOST_WINDOWS,
  MOST_HOLDERS,
  LEAST_SEAT_MS,
  MOST_SEAT_MS,
  MOST_SESSIONS,
  CODE_SPAN_MS,
  MOST_ADD,
  MOST_BUCKETS,
  MOST_FLUSH_MS,
  MOST_TOP,
  SESSION_CELLS,
  RULING_CELLS,
  WINDOW_CELLS,
  SOURCES,
  MAILBOX,
  KIND_BITS,
  KEY_TAG,
  OWN_TAG,
  PLACES,
  TRACE,
  TRACE_OF_AGE,
}
