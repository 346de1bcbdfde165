// @ts-check
/** Formatting, lints, types, what is declared and exported, and the package: `npm run check`. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { main, root, run, step } from '../tools/run.mjs'

await main(async () => {
  if (!existsSync(join(root, 'node_modules', '@biomejs'))) {
    await step('npm packages', () => run('npm', ['install', '--no-audit', '--no-fund']))
  }
  await step('rustfmt', () => run('cargo', ['fmt', '--check']))
  await step('clippy', () =>
    run('cargo', ['clippy', '--locked', '--all-targets', '--', '-D', 'warnings']),
  )
  await step('core without Node', () =>
    run('cargo', ['clippy', '--locked', '--no-default-features', '--', '-D', 'warnings']),
  )
  await step('biome', () => run('npx', ['biome', 'check']))
  await step('types', () => run('npx', ['tsc', '--project', 'tsconfig.json']))
  await step('declared = exported', async () => {
    await run('npm', ['run', 'build'])
    compare()
  })
  await step('package', () => run('node', ['scripts/package.mjs']))
})

/** `js/native.js` declares the functions of the addon; the addon has to have just those. */
function compare() {
  const require = createRequire(join(root, 'index.js'))
  const exported = Object.keys(require('./js/loader.js').load()).sort()
  const { readFileSync } = require('node:fs')
  const source = readFileSync(join(root, 'js', 'native.js'), 'utf8')
  const declared = [...source.matchAll(/^ \* @property \{.*\} (\w+)$/gm)].map((m) => m[1]).sort()
  if (exported.join() !== declared.join()) {
    throw new Error(`declared: ${declared.join(', ')}\nexported: ${exported.join(', ')}`)
  }
}
