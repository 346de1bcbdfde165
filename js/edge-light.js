// @ts-check

const TiercelEdge = require('./edge.js')

const WHAT =
  'tiercel does not run in the edge runtime, so this invalidation would reach no cache; ' +
  'call revalidateTag of next/cache instead, or do it in the Node.js runtime'

/**
 * The export for apps that import `tiercel` by its name in edge code, where a call to invalidate
 * has to fail. Next.js itself imports the handler by its path, gets `edge.js`, and calls it in
 * addition to the handler that counts.
 */
module.exports = class TiercelEdgeLight extends TiercelEdge {
  static async updateTags() {
    throw Object.assign(new Error(WHAT), { code: 'TIERCEL_IN_EDGE' })
  }
  static async expireTags() {
    return TiercelEdgeLight.updateTags()
  }
}
