// @ts-check

/**
 * What a call does in edge and browser bundles, where there is no addon: it says so.
 * @param {string} name what the app has imported
 * @returns {() => never}
 */
function refusalOf(name) {
  return () => {
    const error = new Error(
      `${name} needs Node.js; this is the edge runtime or a browser. ` +
        "In Next.js: leave `export const runtime = 'edge'` out; proxy.ts runs on Node.js.",
    )
    throw Object.assign(error, { code: 'TIERCEL_EDGE_RUNTIME' })
  }
}

module.exports = { refusalOf }
