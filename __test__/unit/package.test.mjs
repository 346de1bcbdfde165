import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { index } from './support.mjs'

const root = dirname(index)
const run = promisify(execFile)
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** What Node.js prints for a module of an app that has installed the package. */
const printed = async (source, { conditions = [], type = 'module' } = {}) => {
  const flags = conditions.map((name) => `--conditions=${name}`)
  // The package finds itself by its name.
  const args = [...flags, `--input-type=${type}`, '-e', source]
  const { stdout, stderr } = await run(process.execPath, args, { cwd: root })
  return { ...JSON.parse(stdout), stderr: stderr.replace(/^tiercel \d\S*: memory only .*\n/, '') }
}

test('what is called by its name can be imported by it, as an ES module', async () => {
  const names =
    'configure, ready, stats, decisions, instances, updateTags, expireTags, get, set, refreshTags, getExpiration'
  const source = (name) => `
    import Tiercel, { ${names} } from '${name}'
    const all = { ${names} }
    const same = Object.keys(all).filter((name) => all[name] === Tiercel[name] && all[name])
    configure({ memoryMb: 9 })
    const missed = (await get('none', [])) === undefined
    const mib = stats().memory.capacityBytes / 1024 / 1024
    console.log(JSON.stringify({ same, missed, mib, ...(await ready()) }))`
  for (const name of ['tiercel', 'tiercel/memory']) {
    const { same, ...rest } = await printed(source(name))
    expect(same.join(', ')).toBe(names)
    expect(rest).toEqual({ missed: true, mib: 9, ready: true, shared: 'none', stderr: '' })
  }
})

describe('in a browser', () => {
  const conditions = ['browser']
  const source = (name) => `
    const { default: Tiercel } = await import('${name}')
    const { configure, ready } = Tiercel
    const codes = []
    for (const call of [configure, ready, () => new Tiercel(), () => Tiercel.updateTags(['a'])]) {
      try {
        await call()
      } catch ({ code }) {
        codes.push(code)
      }
    }
    console.log(JSON.stringify({ codes }))`

  test.each(['tiercel', 'tiercel/memory'])(
    '%s loads, says where it belongs, and throws',
    async (name) => {
      const { codes, stderr } = await printed(source(name), { conditions })
      expect(codes).toEqual(Array(4).fill('TIERCEL_IN_BROWSER'))
      expect(stderr).toMatch(
        /^tiercel is the cache of a Next.js server, and this is a browser; import/,
      )
    },
  )

  test('it needs nothing of Node.js', () => {
    const source = readFileSync(join(root, 'js/browser.js'), 'utf8')
    expect(source).not.toMatch(/require|process|globalThis/)
  })
})

describe('in the edge runtime', () => {
  const conditions = ['edge-light', 'browser']

  test.each(['tiercel', 'tiercel/memory'])(
    '%s: an invalidation is not lost in silence',
    async (name) => {
      const source = `
      const { default: Tiercel } = await import('${name}')
      const codes = []
      for (const call of ['updateTags', 'expireTags']) {
        await Tiercel[call](['a']).catch(({ code }) => codes.push(code))
      }
      const configured = Tiercel.configure({ memoryMb: 1 }) === Tiercel
      console.log(JSON.stringify({ codes, configured, ...(await Tiercel.ready()) }))`
      expect(await printed(source, { conditions })).toEqual({
        codes: ['TIERCEL_IN_EDGE', 'TIERCEL_IN_EDGE'],
        configured: true,
        ready: false,
        shared: 'unknown',
        stderr: '',
      })
    },
  )
})

/** The command line, which no app loads. */
const OF_COMMANDS = /^(bin|js\/(command|operate|setup|warm))\//
/** What an app loads that exports metrics. */
const OF_METRICS = /^(metrics\.|js\/metrics\/)/
/** What an app loads that has the dashboard, and what that gives to browsers. */
const OF_DASHBOARD = /^(dashboard\.|js\/dashboard\/)/

test('the package without its binary stays within 150 kB, the command line within 70, metrics within 10, the dashboard within 60', async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json'], { cwd: root })
  const [{ files }] = JSON.parse(stdout)
  const paths = files.map(({ path }) => path).filter((path) => !path.endsWith('.node'))
  const size = (/** @type {string[]} */ some) =>
    gzipSync(Buffer.concat(some.map((path) => readFileSync(join(root, path))))).length
  const commands = paths.filter((path) => OF_COMMANDS.test(path))
  const metrics = paths.filter((path) => OF_METRICS.test(path))
  const dashboard = paths.filter((path) => OF_DASHBOARD.test(path))
  const others = paths.filter((path) => ![commands, metrics, dashboard].flat().includes(path))
  expect(size(others)).toBeLessThan(150_000)
  expect(size(commands)).toBeLessThan(70_000)
  expect(size(metrics)).toBeLessThan(10_000)
  expect(size(dashboard)).toBeLessThan(60_000)
  for (const path of ['NOTICE', 'LICENSE', 'README.md']) expect(paths).toContain(path)
})

test('there is nothing to install with it but the binary, and Next.js is the app’s', () => {
  expect(manifest.dependencies ?? {}).toEqual({})
  expect(manifest.peerDependenciesMeta).toEqual({
    '@opentelemetry/api': { optional: true },
    next: { optional: true },
  })
})
