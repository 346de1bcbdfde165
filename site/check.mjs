// @ts-check
/** That each link of the built site goes somewhere, and that no page loads anything from elsewhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const site = join(import.meta.dirname, '.work', 'site')
const base = `${process.env.SITE_BASE ?? ''}/`

const files = readdirSync(site, { recursive: true, encoding: 'utf8' })
const pages = files.filter((file) => file.endsWith('.html')).sort()
const faults = [
  ...pages.flatMap(faultsOf),
  ...files.filter((file) => file.endsWith('.css')).flatMap(loadedBy),
]

if (pages.length < 20) faults.push(`There are ${pages.length} pages only`)
for (const fault of faults) console.error(`✗ ${fault}`)
if (faults.length > 0) process.exit(1)
console.log(
  `✓ ${pages.length} pages: every link goes somewhere, and nothing is loaded from elsewhere`,
)

/** @param {string} page */
function faultsOf(page) {
  const html = readFileSync(join(site, page), 'utf8')
  const links = [...html.matchAll(/<a [^>]*?href="([^"]+)"/g)].map(([, to]) => to)
  const broken = links
    .filter((to) => !goesSomewhere(to, page))
    .map((to) => `${page}: ${to} is missing`)
  const loads = [
    ...html.matchAll(
      /<(?:link|script|img|iframe|source)\b[^>]*?(?:src|href)="((?:https?:)?\/\/[^"]+)"/g,
    ),
  ]
  return [...broken, ...loads.map(([, from]) => `${page} loads ${from}`)]
}

/** @param {string} file */
function loadedBy(file) {
  const css = readFileSync(join(site, file), 'utf8')
  const found = css.matchAll(/(?:url\(\s*["']?|@import\s+["'])((?:https?:)?\/\/[^"')]+)/g)
  return [...found].map(([, from]) => `${file} loads ${from}`)
}

/** @param {string} to @param {string} page */
function goesSomewhere(to, page) {
  if (/^[a-z]+:/.test(to)) return true
  const [path, anchor] = to.split('#')
  const target =
    path === ''
      ? page
      : pageAt(new URL(path, `file:///${base}${page}`.replace('////', '///')).pathname)
  if (target === undefined) return false
  if (!anchor) return true
  const html = readFileSync(join(site, target), 'utf8')
  return html.includes(`id="${decodeURIComponent(anchor)}"`)
}

/** The file of a path of the site. @param {string} path */
function pageAt(path) {
  if (!path.startsWith(base)) return undefined
  const place = path.slice(base.length)
  const places =
    place.endsWith('/') || place === '' ? [`${place}index.html`] : [place, `${place}.html`]
  return places.find((file) => existsSync(join(site, file)) && !file.endsWith('/'))
}
