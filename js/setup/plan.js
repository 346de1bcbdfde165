// @ts-check

// Setting up an existing app.
//
//   plan.js          what `tiercel init` and `tiercel migrate` would change and say
//   config-file.js   the source of a next.config     mask.js       source without its texts
//   handlers.js      the present cache of the app    peers.js      its settings in terms of Tiercel
//   project.js       files of the app                diff.js       a change, for a reader

const { ByHand, isWrapped, settingsIn, without, wrap } = require('./config-file.js')
const { present } = require('./handlers.js')
const project = require('./project.js')

/**
 * @typedef {object} Plan
 * @property {'change' | 'done' | 'by hand'} outcome
 * @property {string[]} says lines for the user
 * @property {string[]} after steps that follow the change
 * @property {{ name: string, before: string | undefined, after: string }} [file]
 */

const NEW = `/** @type {import('next').NextConfig} */
const nextConfig = {}

export default nextConfig
`

const HANDLERS = ['cacheHandler', 'cacheHandlers']

const BY_HAND = [
  'Write it by hand; what is exported becomes an argument:',
  '',
  "  import { withTiercel } from 'tiercel/config'",
  '  export default withTiercel(nextConfig)',
  '',
  "In CommonJS it is const { withTiercel } = require('tiercel/config').",
]

/** What `tiercel init` would do. @param {string} dir @returns {Plan} */
function init(dir) {
  const app = project.open(dir)
  if (!app.packages.next)
    return refused(['package.json does not list next: is this the folder of the app?'])
  if (isWrapped(app.source))
    return { outcome: 'done', says: [`${app.config} uses withTiercel`], after: [] }
  return attempt(app, () => {
    const source = app.config ? app.source : NEW
    const own = settingsIn(source, HANDLERS)
    if (own.some(({ value }) => !/\btiercel\b/i.test(value))) {
      const names = [...new Set(own.map(({ name }) => name))].join(' and ')
      return refused([`${app.config} sets ${names}: \`tiercel migrate\` looks at what that is`])
    }
    return changed(app, wrap(source), [], installing(app))
  })
}

/** What `tiercel migrate` would do. @param {string} dir @returns {Plan} */
function migrate(dir) {
  const app = project.open(dir)
  return attempt(app, () => {
    const settings = settingsIn(app.source, HANDLERS)
    const used = settings.filter(({ value }) => value !== 'undefined')
    if (used.length === 0) {
      return refused([
        'next.config names no cache handler; `tiercel init` sets up an app without one',
      ])
    }
    const values = used.map(({ value }) => value)
    const found = present(dir, values, project.sources(dir), project.variables(dir))
    if (!found)
      return refused(['the cache handler of the app is none that is known; see docs/migrate.md'])
    const memory = settingsIn(app.source, ['cacheMaxMemorySize']).filter(
      ({ value }) => value === '0',
    )
    const plain = without(app.source, [...settings, ...memory])
    const source = wrap(plain, found.options, app.source)
    return changed(app, source, told(found, used), [...installing(app), ...leaving(app, found)])
  })
}

/** @param {project.Project} app @param {() => Plan} act @returns {Plan} */
function attempt(app, act) {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof ByHand)) throw error
    return refused([`${app.config} is left as it is: ${error.message}.`, ...BY_HAND])
  }
}

/** @param {string[]} says @returns {Plan} */
const refused = (says) => ({ outcome: 'by hand', says, after: [] })

/** @param {project.Project} app @param {string} after @param {string[]} says @param {string[]} next @returns {Plan} */
function changed(app, after, says, next) {
  const name = app.config ?? 'next.config.mjs'
  const before = app.config && app.source
  return { outcome: 'change', says, after: next, file: { name, before, after } }
}

/** @param {project.Project} app */
function installing(app) {
  if (app.packages.tiercel) return []
  return [`${project.installer(app.dir).add} tiercel`]
}

/** @param {project.Project} app @param {import('./handlers.js').Present} found */
function leaving(app, found) {
  const isPackage = Object.hasOwn(app.packages, found.peer)
  const { remove } = project.installer(app.dir)
  const files = found.files.join(', ')
  return [
    ...(files ? [`${files}: kept, and no longer named; delete it once all is well`] : []),
    ...(isPackage
      ? [`${remove} ${found.peer} (and redis or ioredis, if nothing else uses it)`]
      : []),
  ]
}

/** @param {import('./handlers.js').Present} found @param {{ value: string }[]} used */
function told({ peer, options, environment, other }, used) {
  const names = Object.keys(options).join(', ')
  const isConditional = used.some(({ value }) => /\?|&&|\|\|/.test(value))
  const condition =
    'it was used on a condition; Tiercel is used always, and in dev and build it stays in memory'
  const says = [...other, ...(isConditional ? [condition] : [])]
  return [
    `The app uses ${peer}.`,
    ...(names ? [`Taken over: ${names}.`] : []),
    ...(environment.length > 0 ? ['To be set where the servers run:'] : []),
    ...environment.map((line) => `  ${line}`),
    ...(says.length > 0 ? ['To be known:'] : []),
    ...says.map((line) => `  ${line}`),
    'Entries of the old cache are not read: the first server of the new one begins with its build.',
  ]
}

module.exports = { init, migrate }
