// @ts-check

/**
 * The handler in edge bundles: a cache that holds nothing. Routes of the edge runtime get the
 * handler of the Node.js server anyway.
 */
module.exports = class TiercelEdge {
  async get() {
    return null
  }
  async set() {}
  async revalidateTag() {}
  resetRequestCache() {}

  static async get() {
    return undefined
  }
  static async set() {}
  static async refreshTags() {}
  static async getExpiration() {
    return Number.POSITIVE_INFINITY
  }
  static async updateTags() {}
  static async expireTags() {}
  /** @this {any} */
  static configure() {
    // biome-ignore lint/complexity/noThisInStatic: a subclass is to remain what it is
    return this ?? TiercelEdge
  }
  static stats() {
    return undefined
  }
  static decisions() {
    return []
  }
  static async instances() {
    return []
  }
  static async why() {
    return { decisions: [], instances: [], silent: [] }
  }
  /** The engine is elsewhere: a yes here would be a guess. */
  static async ready() {
    return { ready: false, shared: 'unknown' }
  }
}
