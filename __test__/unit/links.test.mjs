import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')
const FOREIGN = /(^|[\\/])(node_modules|target|\.git|\.work|\.next)([\\/]|$)/

/** Not into what others write at this moment. */
const own = readdirSync(root).filter((file) => !FOREIGN.test(file))
const pages = own
  .flatMap((file) => {
    const isFolder = statSync(path.join(root, file)).isDirectory()
    if (!isFolder) return [file]
    return readdirSync(path.join(root, file), { recursive: true }).map((page) =>
      path.join(file, page),
    )
  })
  .filter((file) => file.endsWith('.md') && !FOREIGN.test(file))
  .sort()

/** Text without what is code. */
const proseOf = (file) =>
  readFileSync(file, 'utf8')
    .replace(/^```[\s\S]*?^```/gm, '')
    .replace(/`[^`]*`/g, 'code')

/** Where the relative links of a page go: a path, and an anchor. */
function linksOf(page) {
  const found = proseOf(path.join(root, page)).matchAll(
    /\]\(\s*([^)\s]+)\s*\)|^\[[^\]\n]+\]: (\S+)$/gm,
  )
  return [...found]
    .map(([, inline, reference]) => inline ?? reference)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => link.split('#'))
}

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(file) {
  const text = readFileSync(file, 'utf8').replace(/^```[\s\S]*?^```/gm, '')
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading)
  const seen = new Map()
  return headings.map((heading) => {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const anchor = plain.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-')
    const count = seen.get(anchor) ?? 0
    seen.set(anchor, count + 1)
    return count ? `${anchor}-${count}` : anchor
  })
}

it('there are pages and links to look at', () => {
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/redis.md']))
  expect(linksOf('README.md').length).toBeGreaterThan(10)
})

it.for(pages)('%s links to files and headings that there are', (page) => {
  const missing = linksOf(page).filter(([to, anchor]) => {
    const file = to ? path.resolve(root, path.dirname(page), to) : path.join(root, page)
    if (!existsSync(file)) return true
    if (anchor === undefined) return false
    return statSync(file).isDirectory() || !anchorsOf(file).includes(anchor)
  })
  expect(missing.map((link) => link.join('#'))).toEqual([])
})

it('every page of docs/ is in its index', () => {
  const index = linksOf('docs/README.md').map(([to]) => path.join('docs', to))
  const all = pages.filter((page) => /^docs[\\/]/.test(page) && page !== 'docs/README.md')
  expect(all.length).toBeGreaterThan(10)
  expect(index).toEqual(expect.arrayContaining(all))
})
