// The whole set-up is `module.exports = require('tiercel')`. The lines between
// keep the last decisions, so that the pages of this demo can show them.
const CacheHandler = require('tiercel')

// Next.js also bundles this file into proxy.ts: one ring for both copies.
if (!globalThis.tiercelDemo) {
  const decisions = []
  let count = 0
  globalThis.tiercelDemo = { decisions, stats: () => CacheHandler.stats?.() ?? {} }
  CacheHandler.configure?.({
    debug(decision) {
      decisions.push({ ...decision, number: ++count, at: Date.now() })
      // The page that asked, if one is listening: see lib/source.ts.
      globalThis.tiercelDemoReads?.getStore()?.push(decision)
      if (decisions.length > 60) decisions.shift()
    },
  })
}

module.exports = CacheHandler
