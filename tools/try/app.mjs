// @ts-check
/** A fresh app of create-next-app, and what the documentation says to write into it. */

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { root } from '../run.mjs'
import { managers, spokenBy } from './managers.mjs'
import { type } from './shell.mjs'
import { Page } from './snippets.mjs'

/** @typedef {import('./setups.mjs').Setup} Setup */
/** @typedef {{ folder: string, env: import('./shell.mjs').Env, config: string }} App */

const readme = new Page('README.md').section('Install')
const deploy = new Page('docs/deploy.md')
const invalidation = new Page('docs/invalidation.md')

/** Answers no question, and leaves out what no promise depends on. */
const LEAN = '--yes --app --empty --no-tailwind --no-linter --no-src-dir --disable-git'

/**
 * The app that create-next-app makes, with its packages.
 *
 * @param {Setup} setup
 * @param {{ within: string, env: import('./shell.mjs').Env, isShort: boolean }} how `isShort`: takes
 *   the versions that the demo has locked, so that tests before it have downloaded them
 * @returns {Promise<App>}
 */
export async function createApp(setup, { within, env, isShort }) {
  const { manager, language, layout, next } = setup
  const { name } = managers[manager]
  const folder = layout === 'app' ? join(within, setup.name) : await workspace(within, manager)
  await mkdir(dirname(folder), { recursive: true })
  const release = next === 'canary' ? 'latest' : next
  const create = isShort ? `node '${installedCreator()}'` : `npx --yes create-next-app@${release}`
  const flags = `${LEAN} --${language} --use-${name} --skip-install`
  await type(`${create} '${folder}' ${flags}`, { cwd: within, env })
  // Otherwise the app is a workspace of its own.
  if (layout === 'workspace') await rm(join(folder, 'pnpm-workspace.yaml'), { force: true })
  if (manager === 'yarn') await writeFile(join(folder, '.yarnrc.yml'), 'nodeLinker: node-modules\n')
  const canary = next === 'canary' && (await newestCanary({ cwd: folder, env }))
  await edit(join(folder, 'package.json'), (text) => {
    const manifest = { ...JSON.parse(text), name: setup.name }
    if (canary) manifest.dependencies.next = canary
    return JSON.stringify(isShort ? withLocked(manifest) : manifest, null, 2)
  })
  await type(`${name} install`, { cwd: folder, env })
  return { folder, env, config: join(folder, `next.config.${language === 'ts' ? 'ts' : 'mjs'}`) }
}

/** Mirrors of the registry have its versions, and not always its tags. @param {import('./shell.mjs').Place} place */
async function newestCanary(place) {
  /** @type {string[]} */
  const versions = JSON.parse(await type('npm view next versions --json', place))
  const newest = versions.filter((version) => version.includes('-canary.')).at(-1)
  if (!newest) throw new Error('The registry has no canary of Next.js')
  return newest
}

/** A devDependency of this repository. */
function installedCreator() {
  const manifest = createRequire(join(root, 'package.json')).resolve('create-next-app/package.json')
  return join(dirname(manifest), 'dist', 'index.js')
}

/** @param {Record<string, any>} manifest */
function withLocked(manifest) {
  const demo = createRequire(import.meta.url)('../../examples/demo/package.json')
  const known = { ...demo.dependencies, ...demo.devDependencies }
  for (const list of [manifest.dependencies, manifest.devDependencies ?? {}]) {
    for (const name of Object.keys(list)) list[name] = known[name] ?? list[name]
  }
  return manifest
}

/** A repository of several packages; gives the folder of the app. */
async function workspace(/** @type {string} */ within, /** @type {Setup['manager']} */ manager) {
  const manifest = { name: 'repository', private: true, workspaces: ['apps/*', 'packages/*'] }
  await writeFile(join(within, 'package.json'), JSON.stringify(manifest))
  if (manager === 'pnpm')
    await writeFile(join(within, 'pnpm-workspace.yaml'), 'packages: [apps/*]\n')
  if (manager === 'yarn') await writeFile(join(within, '.yarnrc.yml'), 'nodeLinker: node-modules\n')
  if (manager.startsWith('yarn')) await writeFile(join(within, 'yarn.lock'), '')
  return join(within, 'apps', 'web')
}

/**
 * Installs Tiercel and makes it the cache of the app, as the README says.
 *
 * @param {App} app
 * @param {Setup} setup
 */
export async function adopt(app, setup) {
  const manager = managers[setup.manager]
  const place = { cwd: app.folder, env: app.env }
  await type(spokenBy(readme.commands('npm install')[0].command, manager), place)
  const created = await readFile(app.config, 'utf8')
  const own = ownOptions(created)
  if (setup.server === 'standalone') own.push("output: 'standalone',")
  if (setup.config === 'init') {
    await writeFile(
      app.config,
      withOwn(created.replace(/(= \{)[\s\S]*?(\n\};?)/, '$1\n  //$2'), own),
    )
    await type(`${spokenBy(readme.inline('npx tiercel init'), manager)} --yes`, place)
  } else {
    await rm(app.config)
    const [file, text] = written(setup.config, own)
    await writeFile(join(app.folder, file), text)
  }
  await addPages(app, own.join().includes('cacheComponents: true'))
}

/** The options that create-next-app has written. @param {string} config */
function ownOptions(config) {
  const body = /nextConfig(?:: \w+)? = \{([\s\S]*?)\n\};?/.exec(config)?.[1]
  if (body === undefined) throw new Error(`create-next-app writes another next.config:\n${config}`)
  return body
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('/*'))
}

/** @param {string} text @param {string[]} own */
const withOwn = (text, own) =>
  text.replace(/^ {2}\/\/.*$/m, own.map((line) => `  ${line}`).join('\n'))

/**
 * A next.config of the README: its name and text.
 *
 * @param {'snippet' | 'plain' | 'commonjs'} form
 * @param {string[]} own
 */
function written(form, own) {
  if (form === 'snippet')
    return ['next.config.ts', withOwn(readme.fileNamed('next.config.ts'), own)]
  if (form === 'plain') {
    const text = readme.fileNamed('next.config.mjs')
    return ['next.config.mjs', text.replace('export default {', `$&\n${own.join('\n')}`)]
  }
  const line = readme.inline("const { withTiercel } = require('tiercel/config')")
  return ['next.config.js', `${line}\n\nmodule.exports = withTiercel({\n${own.join('\n')}\n})\n`]
}

/** A page with a tag, and the routes that the documentation has. @param {App} app @param {boolean} hasDirective */
async function addPages(app, hasDirective) {
  const page = hasDirective ? DIRECTIVE : FUNCTION
  for (const [file, text] of [
    ['app/posts/page.js', page],
    ['app/api/published/route.js', invalidation.fileNamed('app/api/published/route.js')],
    ['app/api/ready/route.js', deploy.fileNamed('app/api/ready/route.js')],
  ]) {
    await mkdir(dirname(join(app.folder, file)), { recursive: true })
    await writeFile(join(app.folder, file), text)
  }
}

const DIRECTIVE = `import { cacheTag } from 'next/cache'

async function generation() {
  'use cache'
  cacheTag('posts')
  return crypto.randomUUID()
}

export default async function Posts() {
  return <p>{\`generation \${await generation()}\`}</p>
}
`

const FUNCTION = `import { unstable_cache } from 'next/cache'

const generation = unstable_cache(async () => crypto.randomUUID(), ['posts'], { tags: ['posts'] })

export default async function Posts() {
  return <p>{\`generation \${await generation()}\`}</p>
}
`

/** @param {string} file @param {(text: string) => string} change */
async function edit(file, change) {
  await writeFile(file, change(await readFile(file, 'utf8')))
}
