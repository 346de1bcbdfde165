// @ts-check

const WHERE = 'tiercel is the cache of a Next.js server, and this is a browser'
const CURE = 'import it in server code only: a route handler, a server component, a server action'

console.error(`${WHERE}; ${CURE}`)

/** @returns {never} */
function refuse() {
  throw Object.assign(new Error(`${WHERE}; ${CURE}`), { code: 'TIERCEL_IN_BROWSER' })
}

/**
 * The export of the `browser` condition. It loads, because a page that imports it by mistake would
 * be blank otherwise; every call throws.
 */
module.exports = class TiercelBrowser {
  constructor() {
    refuse()
  }
  static async get() {
    refuse()
  }
  static async set() {
    refuse()
  }
  static async refreshTags() {
    refuse()
  }
  static async getExpiration() {
    refuse()
  }
  static async updateTags() {
    refuse()
  }
  static async expireTags() {
    refuse()
  }
  static async ready() {
    refuse()
  }
  static async instances() {
    refuse()
  }
  static async why() {
    refuse()
  }
  static configure() {
    refuse()
  }
  static stats() {
    refuse()
  }
  static decisions() {
    refuse()
  }
}
