// @ts-check
/**
 * Lays out the pages of the site: those of `docs/`, the README and its neighbours, as they are, with
 * links that fit their new places. Gives what the menus show, which the index of `docs/` says.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize, posix, relative } from 'node:path'

export const root = join(import.meta.dirname, '..')
/** Where the pages are written. */
export const pages = join(import.meta.dirname, '.work', 'pages')

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
export const repository = manifest.repository.url.replace(/^git\+|\.git$/g, '')
export const { version, description } = manifest

/** Pages outside of `docs/`, by their place on the site. */
const OTHERS = {
  'README.md': 'start.md',
  'docs/README.md': 'documentation.md',
  'SECURITY.md': 'security.md',
  'ARCHITECTURE.md': 'architecture.md',
  'CONTRIBUTING.md': 'contributing.md',
  'CHANGELOG.md': 'changelog.md',
}

/** Every page: its file in the repository, to its place on the site. */
const places = new Map([
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => /** @type {const} */ ([`docs/${posix.normalize(file)}`, placeOf(file)])),
  ...Object.entries(OTHERS),
])

/** A README is the page of its folder. @param {string} file */
function placeOf(file) {
  return file.replace(/(^|\/)README\.md$/, '$1index.md')
}

/** Writes all of them anew. */
export function collect() {
  rmSync(pages, { recursive: true, force: true })
  for (const [file, place] of places) {
    const text = readFileSync(join(root, file), 'utf8')
    write(place, withLinks(text, file, place))
  }
  write('index.md', frontPage())
  mkdirSync(join(pages, 'public'), { recursive: true })
  cpSync(join(root, 'examples/demo/public/icon.svg'), join(pages, 'public/icon.svg'))
}

/** @param {string} place @param {string} text */
function write(place, text) {
  mkdirSync(dirname(join(pages, place)), { recursive: true })
  writeFileSync(join(pages, place), text)
}

/**
 * A link to a page of the site goes there; any other file is one of the repository.
 *
 * @param {string} text @param {string} file @param {string} place
 */
function withLinks(text, file, place) {
  const parts = text.split(/(^```[\s\S]*?^```$)/m)
  const changed = parts.map((part, index) => (index % 2 ? part : part.replace(LINK, replaced)))
  return changed.join('')

  /** @param {string} all @param {string} to @param {string} anchor */
  function replaced(all, to, anchor = '') {
    if (/^[a-z]+:/.test(to)) return all
    const target = normalize(join(dirname(file), to)).replace(/\/$/, '')
    const found = places.get(target)
    if (!found) return `](${repository}/blob/main/${target}${anchor})`
    const path = relative(dirname(place), found)
    return `](${path.startsWith('.') ? path : `./${path}`}${anchor})`
  }
}

const LINK = /\]\(([^)#\s]+)(#[^)\s]*)?\)/g

/** What the README says first, as a front page. */
function frontPage() {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const found = readme.matchAll(/^- \*\*(.+?)\.?\*\* ([\s\S]+?)(?=\n- \*\*|\n\n)/gm)
  const features = [...found].slice(0, 4).map(([, title, text]) => ({
    title,
    details: text
      .replace(/\s+/g, ' ')
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/`([^`]*)`/g, '<code>$1</code>'),
  }))
  const actions = [
    { theme: 'brand', text: 'Get started', link: '/start' },
    { theme: 'alt', text: 'Documentation', link: '/documentation' },
    { theme: 'alt', text: 'Guarantees', link: '/guarantees' },
  ]
  const [text, tagline] = description.split(': ')
  const image = { src: '/icon.svg', alt: '' }
  const hero = { name: 'Tiercel', text, tagline: `${capital(tagline)}.`, image, actions }
  const page = { layout: 'home', hero, features }
  // JSON is YAML.
  return `---\n${JSON.stringify(page)}\n---\n`
}

/** The menu at the side: the lists of `docs/README.md`, under what stands above each. */
export function menu() {
  const index = readFileSync(join(root, 'docs/README.md'), 'utf8').split(/^## /m)[0]
  const start = { text: 'Start', items: [{ text: 'Get started', link: '/start' }] }
  const lists = index.matchAll(/^For people who (.+?):\n?([\s\S]*?)(?=^For people|$(?![\s\S]))/gm)
  const groups = [...lists].map(([, who, list]) => ({
    text: TITLES[/** @type {keyof typeof TITLES} */ (who.split(' ').slice(0, 2).join(' '))] ?? who,
    items: linksIn(list),
  }))
  return [start, ...groups]
}

const TITLES = { 'run an': 'Use', 'want to': 'Trust', 'change it': 'Change' }

/** An entry has the first link of its line, and below it the others. @param {string} list */
function linksIn(list) {
  const entries = list.includes('- ') ? list.split(/^- /m) : list.split(/(?<=,)/)
  return entries.flatMap((entry) => {
    const found = [...entry.matchAll(/\[([^\]]+)\]\(([^)#\s]+)\)/g)]
    const [first, ...others] = found.flatMap(([, text, to]) => linkTo(text, to))
    return first ? [others.length > 0 ? { ...first, items: others } : first] : []
  })
}

/** @param {string} text @param {string} to from the index of `docs/` */
function linkTo(text, to) {
  const place = places.get(normalize(join('docs', to)))
  if (!place) return []
  const title = text.replaceAll('`', '')
  const link = `/${place.replace(/(index)?\.md$/, '')}`
  return [{ text: capital(title), link }]
}

/** @param {string} text */
const capital = (text) => text[0].toUpperCase() + text.slice(1)
