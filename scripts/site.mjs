// @ts-check
/**
 * Builds the documentation as a site, and checks its links: `npm run site`. The generator is a
 * package of `site/`, installed there when it is missing; `-- --serve` shows the site.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { main, root, run, step } from '../tools/run.mjs'

const site = join(root, 'site')

await main(async () => {
  if (!existsSync(join(site, 'node_modules', 'vitepress'))) {
    const flags = ['--no-save', '--no-audit', '--no-fund']
    await step('packages of the site', () => run('npm', ['install', ...flags], { cwd: site }))
  }
  await step('site', () => run('npx', ['vitepress', 'build'], { cwd: site }))
  await step('links', () => run('node', ['check.mjs'], { cwd: site }))
  if (process.argv.includes('--serve')) await run('npx', ['vitepress', 'preview'], { cwd: site })
})
