import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, test } from 'vitest'

// The code in the pages of tiercel/app and some others, and the types of the adapters, as the compiler
// sees them.

const root = path.resolve(import.meta.dirname, '../../..')
const docs = path.join(root, 'docs/app')
const others = ['hooks.md', 'observability.md', 'webhooks.md']
// Within the package, which finds itself by its name.
const folder = path.join(root, '.work/snippets')

const pages = [...readdirSync(docs).filter((file) => file.endsWith('.md')), ...others]
const fileOf = (page) => path.join(others.includes(page) ? path.dirname(docs) : docs, page)
const blocksOf = (text) => [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code)
const declared = new Set(
  [
    ...readFileSync(path.join(root, 'app.d.ts'), 'utf8').matchAll(
      /^export (?:declare )?(?:function|const) (\w+)/gm,
    ),
  ].map(([, name]) => name),
)
/** The names that an import gives. */
const namesOf = (line) =>
  line
    .replace(/^import (.*) from .*$/, '$1')
    .split(/[{},]/)
    .map((one) => one.trim().split(' ').at(-1))
    .filter(Boolean)

/** A block as a module: what an earlier block of its page imports is there, and so is the API. */
function moduleOf(code, before) {
  const importsOf = (text) => text.match(/^import .* from '.*'$/gm) ?? []
  const taken = new Set(importsOf(code).flatMap(namesOf))
  const lines = new Set(before.flatMap(importsOf).filter((line) => !line.includes('tiercel/app')))
  const earlier = [...lines].filter((line) => !namesOf(line).some((name) => taken.has(name)))
  for (const name of earlier.flatMap(namesOf)) taken.add(name)
  const body = code.replace(/^import .*$/gm, '')
  const used = [...declared].filter(
    (name) => new RegExp(`(?<![.\\w])${name}\\b(?!:)`).test(body) && !taken.has(name),
  )
  const api = used.map((name) => `import { ${name} } from 'tiercel/app'`)
  return [...earlier, ...api, code, 'export {}'].join('\n')
}

let errors
beforeAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const types = path.join(root, '__test__/types')
  copyFileSync(path.join(types, 'adapters.ts'), path.join(folder, 'adapters.mts'))
  copyFileSync(path.join(types, 'docs.d.ts'), path.join(folder, 'docs.d.ts'))
  for (const page of pages) {
    const blocks = blocksOf(readFileSync(fileOf(page), 'utf8'))
    for (const [n, code] of blocks.entries()) {
      const name = `${page.replace('.md', '')}-${n + 1}.mts`
      writeFileSync(path.join(folder, name), moduleOf(code, blocks.slice(0, n)))
    }
  }
  const extending = path.join(root, '__test__/types/tsconfig.json')
  const config = { extends: extending, include: ['*.mts', '*.d.ts'] }
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config))
  const compiler = createRequire(import.meta.url).resolve('typescript/package.json')
  const tsc = path.join(path.dirname(compiler), 'bin/tsc')
  const told = await promisify(execFile)(
    process.execPath,
    [tsc, '--project', folder, '--pretty', 'false'],
    {
      cwd: folder,
    },
  ).then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }) => stdout + stderr,
  )
  errors = told.split('\n').filter(Boolean)
}, 60_000)

test.for([...pages, 'adapters.mts'])('%s says nothing that the compiler refuses', (page) => {
  const name = page.replace(/\.\w+$/, '')
  expect(errors.filter((line) => new RegExp(`^${name}[-.\\d]*m?ts`).test(line))).toEqual([])
})

test('the compiler has seen them', () => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.mts'))
  expect(files.length).toBeGreaterThan(pages.length)
  // And said nothing else.
  expect(errors.filter((line) => !/^[\w-]+\.mts/.test(line))).toEqual([])
})
