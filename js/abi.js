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
})

/** Flags of a get; an answer that is a token comes with more. */
const FLAG = Object.freeze({
  /** `ctx.isFallback`. */
  FALLBACK: 1,
  /** `ctx.isRoutePPREnabled`. */
  PPR: 2,
  /** Only this process is asked, and told. */
  LOCAL: 4,
  /** Whoever asks generates in any case, or never: who generates is not asked. */
  ASIDE: 8,
  /** Whoever asks never generates what is stale. */
  PREFETCH: 16,
  /** What is made of the answer is kept: nothing stale may look fresh. */
  KEPT: 32,
  /** What is made of the answer may be kept although that is stale: it is marked. */
  MARKED: 64,
  /** The last wait was in vain. */
  LATE: 128,
  /** The time of the whole get is over: it waits for nobody any more. */
  OVER: 256,
})

/** What a call leaves in the mailbox, by place. */
const FIELD = Object.freeze({
  /** How to read the returned entry, a `MARK`; with a token the flags to ask with next. */
  MARK: 0,
  /**
   * With a mark the `lastModified` it asks for, of a `'use cache'` entry the position it counts as;
   * with a token how long to wait, in ms.
   */
  DETAIL: 1,
  /**
   * The revision of what was known when the answer was given; of a stale `'use cache'` entry the
   * epoch of that position.
   */
  REVISION: 2,
  /** The name of the returned object; with a token how long the get may wait in all, in ms. */
  HANDLE: 3,
  /** 1 as long as this mailbox is the one that is written to. */
  ATTACHED: 4,
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
  /** Of a check: fresh, if the tags of who asks do not say otherwise. */
  ASKED: 4,
  /** Stale, and another get generates: it is to look fresh, and not for long. */
  MEANWHILE: 5,
})

/** Instead of the position that a stale `'use cache'` entry counts as. */
const POSITION = Object.freeze({
  /** It is stale by age. */
  STALE_BY_AGE: -1,
  /** It is fresh still, and only to be generated anew: what is made of it needs no trace. */
  NO_TRACE: -2,
})

/** How a wait ends. */
const ENDING = Object.freeze({
  /** Not in time. */
  LATE: 0,
  /** What was waited for has come, or never will. */
  DONE: 1,
  /** An invalidation could not be recorded. */
  FAILED: 2,
})

/** Doubles in the mailbox: answers beside the returned value, without an object for them. */
const MAILBOX = 5

/** Bits of a kind, where flags lie above it in one number. */
const KIND_BITS = 8

/** Begins the tag that pages carry for their key. */
const KEY_TAG = 'tiercel:key:'

/** A handle, which names an object on both sides, is a place among this many, and a count above. */
const PLACES = 2097152

/** Begins a trace. */
const TRACE = 'tiercel:stale:'

/** The rest of one of age. */
const TRACE_OF_AGE = 'age'

module.exports = {
  KIND,
  FLAG,
  FIELD,
  MARK,
  POSITION,
  ENDING,
  MAILBOX,
  KIND_BITS,
  KEY_TAG,
  PLACES,
  TRACE,
  TRACE_OF_AGE,
}
