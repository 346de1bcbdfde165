import { execFile } from 'node:child_process'
import { cpSync, readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { directory, inChild, index, write } from './support.mjs'

const root = dirname(index)
const { dirIn } = createRequire(import.meta.url)('../../js/config/place.js')
const settings = join(root, 'config.js')

/** An app whose Next.js takes `rootDir` for the root. */
function app(test, { version = '16.4.6', rootDir = '/', files = {} } = {}) {
  const dir = directory(test)
  const finds = `exports.findRootDirAndLockFiles = () => ({ rootDir: ${JSON.stringify(rootDir)} })`
  write(dir, {
    'package.json': { name: 'shop' },
    'node_modules/next/package.json': { name: 'next', version },
    'node_modules/next/dist/lib/find-root.js': finds,
    ...files,
  })
  return dir
}

/**
 * What a next.config exports, and what it prints. `exported` is what stands in the file.
 * @param {string} dir
 */
async function read(
  dir,
  exported,
  { name = 'next.config.cjs', env = {}, args = [], from = settings } = {},
) {
  const head = `const { withTiercel } = require(${JSON.stringify(from)})\n`
  write(dir, { [name]: `${head}module.exports = ${exported}` })
  const run = async ({ file, args }) => {
    try {
      const exported = require(file)
      const config = await (typeof exported === 'function' ? exported(...args) : exported)
      return { shape: typeof exported, config, carried: process.env.TIERCEL_OPTIONS ?? null }
    } catch ({ code, message }) {
      return { code, message }
    }
  }
  const given = { file: join(dir, name), args }
  const { answer, stderr } = await inChild(run, { given, env, cwd: root })
  return { ...answer, stderr }
}

describe.concurrent('what is set', () => {
  test('the handler, no second memory, and images', async (test) => {
    const { config, stderr } = await read(app(test), 'withTiercel({ reactStrictMode: true })')
    expect(config).toEqual({
      reactStrictMode: true,
      cacheHandler: index,
      cacheMaxMemorySize: 0,
      images: { customCacheHandler: true },
    })
    expect(stderr).toBe('')
  })

  test('nothing at all may be given', async (test) => {
    const { config } = await read(app(test), 'withTiercel()')
    expect(config.cacheHandler).toBe(index)
  })

  test("handlers of 'use cache' where the app uses it, and only there", async (test) => {
    const both = { default: index, remote: index }
    const uses = ['{ cacheComponents: true }', '{ experimental: { useCache: true } }']
    for (const config of uses) {
      expect((await read(app(test), `withTiercel(${config})`)).config.cacheHandlers).toEqual(both)
    }
    const without = await read(app(test), 'withTiercel({ cacheComponents: false })')
    expect(without.config).not.toHaveProperty('cacheHandlers')
  })

  test('images are kept from 16.2 on, since 16.1 knows no such option', async (test) => {
    const images = async (version) =>
      (await read(app(test, { version }), 'withTiercel({ images: { qualities: [75] } })')).config
        .images
    expect(await images('16.1.7')).toEqual({ qualities: [75] })
    expect(await images('16.2.0')).toEqual({ qualities: [75], customCacheHandler: true })
    expect(await images('16.5.0-canary.3')).toEqual({ qualities: [75], customCacheHandler: true })
    expect(await images('17.0.0')).toEqual({ qualities: [75], customCacheHandler: true })
  })

  test('the root, where Next.js would take one that the package lies outside of', async (test) => {
    const repository = realpathSync(directory(test))
    const installed = join(repository, 'node_modules', 'tiercel')
    for (const name of ['js', 'config.js', 'package.json']) {
      cpSync(join(root, name), join(installed, name), { recursive: true })
    }
    const dir = join(repository, 'apps', 'web')
    write(dir, { 'package.json': { name: 'web' }, 'package-lock.json': {} })
    const exported = 'withTiercel({ turbopack: { a: 1 } })'
    const { config } = await read(dir, exported, { from: join(installed, 'config.js') })
    expect(config).toMatchObject({
      cacheHandler: join(installed, 'index.js'),
      outputFileTracingRoot: repository,
      turbopack: { a: 1, root: repository },
    })
  })

  test('no root that holds a home: then a line says what to do', async (test) => {
    const dir = directory(test)
    const env = { HOME: join(dir, 'home'), USERPROFILE: join(dir, 'home') }
    const rootDir = join(dir, 'home', 'app')
    write(dir, { 'home/app/package.json': {} })
    const { config, stderr } = await read(app(test, { rootDir }), 'withTiercel({})', { env })
    expect(config).not.toHaveProperty('outputFileTracingRoot')
    expect(stderr).toMatch(/^tiercel: Tiercel lies at .*, far from the app at .*: install it in/)
  })

  test('symbolic links do not make it look outside', async (test) => {
    const link = join(directory(test), 'link')
    symlinkSync(root, link)
    const { config, stderr } = await read(app(test, { rootDir: link }), 'withTiercel({})')
    expect(config).not.toHaveProperty('outputFileTracingRoot')
    expect(stderr).toBe('')
  })

  test('twice is as once', async (test) => {
    const once = await read(app(test), 'withTiercel({ cacheComponents: true }, { memoryMb: 7 })')
    const text = 'withTiercel(withTiercel({ cacheComponents: true }), { memoryMb: 7 })'
    expect(await read(app(test), text)).toEqual(once)
  })
})

describe.concurrent('shapes of a next.config', () => {
  test('a function gets what Next.js gives, and may be async', async (test) => {
    const args = ['phase-production-server', { defaultConfig: { distDir: 'out' } }]
    const own = '(phase, { defaultConfig }) => ({ env: { phase }, distDir: defaultConfig.distDir })'
    for (const exported of [own, `async ${own}`]) {
      const { shape, config } = await read(app(test), `withTiercel(${exported})`, { args })
      expect(shape).toBe('function')
      expect(config).toMatchObject({
        env: { phase: 'phase-production-server' },
        distDir: 'out',
        cacheHandler: index,
      })
    }
  })

  test('a promise, and a function of a function', async (test) => {
    const promise = await read(app(test), 'withTiercel(Promise.resolve({ distDir: "out" }))')
    expect(promise.config).toMatchObject({ distDir: 'out', cacheHandler: index })
    const nested = await read(app(test), 'withTiercel(() => ({ distDir: "out" }))()')
    expect(nested.config).toMatchObject({ distDir: 'out', cacheHandler: index })
  })

  test('as an ES module', async (test) => {
    const dir = app(test)
    write(dir, {
      'next.config.mjs': `
        import { withTiercel } from ${JSON.stringify(settings)}
        export default withTiercel({})`,
    })
    write(dir, {
      'run.mjs': `
        import config from './next.config.mjs'
        console.log(JSON.stringify(config))`,
    })
    const { stdout } = await promisify(execFile)(process.execPath, [join(dir, 'run.mjs')])
    // Images: so the app was found, whose Next.js says which version it is.
    expect(JSON.parse(stdout)).toMatchObject({
      cacheHandler: index,
      images: { customCacheHandler: true },
    })
  })

  test('the app is found by its next.config, whatever that is compiled to', () => {
    const stack = (line) =>
      `Error\n    at ofConfig (/x/place.js:1:1)\n    at ${line}\n    at /y.js:1:1`
    expect(dirIn(stack(`Object.<anonymous> (${root}/next.config.js:1:2)`))).toBe(root)
    expect(dirIn(stack(`${root}/next.config.compiled.js:1:2`))).toBe(root)
    expect(dirIn(stack(`file://${root}/next.config.mjs:1:2`))).toBe(root)
    expect(dirIn(stack(`file://${root}/next.config.ts?v=1:1:2`))).toBe(root)
    expect(dirIn(stack('/no/such/dir/next.config.js:1:2'))).toBeUndefined()
    expect(dirIn(stack('<anonymous>'))).toBeUndefined()
  })
})

describe.concurrent('what the app has set itself', () => {
  test('stays, with a line where that is not what Tiercel would do', async (test) => {
    const dir = app(test, { rootDir: '/nowhere', files: { 'own.js': '' } })
    const own = `{
      cacheComponents: true,
      cacheHandlers: { default: require.resolve('./own.js'), mine: require.resolve('./own.js') },
      cacheMaxMemorySize: 1000,
      images: { customCacheHandler: false },
      outputFileTracingRoot: ${JSON.stringify(dir)},
    }`
    const { config, stderr } = await read(dir, `withTiercel(${own})`)
    const file = join(dir, 'own.js')
    expect(config).toMatchObject({
      cacheHandler: index,
      cacheHandlers: { default: file, mine: file, remote: index },
      cacheMaxMemorySize: 1000,
      images: { customCacheHandler: false },
      outputFileTracingRoot: dir,
    })
    expect(config.turbopack).toBeUndefined()
    expect(stderr).toMatch(
      `tiercel: next.config names ${file} as cacheHandlers.default, and withTiercel leaves that\n`,
    )
    expect(stderr).toMatch(
      /^tiercel: next.config sets outputFileTracingRoot to .*; set it to \/\S*\n/m,
    )
    expect(stderr).toMatch(/^tiercel: next.config sets cacheMaxMemorySize: 1000, so/m)
  })

  test('another cacheHandler is an error that names it', async (test) => {
    const dir = app(test, { files: { 'own.js': 'module.exports = class {}' } })
    const { code, message } = await read(
      dir,
      "withTiercel({ cacheHandler: require.resolve('./own.js') })",
    )
    expect(code).toBe('TIERCEL_CONFLICT')
    expect(message).toContain(join(dir, 'own.js'))
  })

  test('a handler file that is made of Tiercel is none', async (test) => {
    const dir = app(test, { files: { 'own.js': "module.exports = require('tiercel')" } })
    const text = "withTiercel({ cacheHandler: require.resolve('./own.js') })"
    expect((await read(dir, text)).config.cacheHandler).toBe(join(dir, 'own.js'))
    const relative = await read(dir, "withTiercel({ cacheHandler: './own.js' })")
    expect(relative.config.cacheHandler).toBe('./own.js')
  })

  test('a static export has no server: nothing is set', async (test) => {
    const { config, stderr } = await read(app(test), "withTiercel({ output: 'export' })")
    expect(config).toEqual({ output: 'export' })
    expect(stderr).toMatch(/^tiercel: `output: 'export'`/)
  })

  test('a line is said once in a process and its children', async (test) => {
    const exported = `[1, 2].map(() => withTiercel({ output: 'export' })) && {
      said: require('node:child_process').spawnSync(process.execPath, ['-e', \`
        require(${JSON.stringify(settings)}).withTiercel({ output: 'export' })
      \`], { encoding: 'utf8' }).stderr,
    }`
    const { config, stderr } = await read(app(test), exported)
    expect(config.said).toBe('')
    expect(stderr.match(/^tiercel: /gm)).toHaveLength(1)
  })
})

describe.concurrent('cacheHandlers beside a route of the edge runtime', () => {
  const route = "import 'x'\nexport const runtime = 'edge'\n"
  const files = { 'src/app/api/[id]/route.ts': route, 'app/page.js': route }
  const exported = `withTiercel({ cacheHandlers: { default: ${JSON.stringify(index)} } })`

  test('are named with the cure, where Turbopack does not build them', async (test) => {
    const { stderr } = await read(app(test, { files }), exported, { env: { TURBOPACK: '1' } })
    expect(stderr).toMatch(
      /^tiercel: next.config sets cacheHandlers, and src\/app\/api\/\[id\]\/route.ts/,
    )
    expect(stderr).toContain('remove cacheHandlers')
  })

  test('are fine with webpack, before 16.2, and without such a route', async (test) => {
    const env = { TURBOPACK: '1' }
    const all = [
      read(app(test, { files }), exported, { env: { TURBOPACK: undefined } }),
      read(app(test, { files, version: '16.1.7' }), exported, { env }),
      read(app(test, { files: { 'app/route.js': "// runtime = 'edge'" } }), exported, { env }),
    ]
    for (const { stderr } of await Promise.all(all)) expect(stderr).toBe('')
  })
})

describe.concurrent('options', () => {
  /** What the engine of a process has for memory, in MiB. */
  const capacity = async (env, options) => {
    const run = ({ index, options }) => {
      const Tiercel = require(index)
      if (options) Tiercel.configure(options)
      return Tiercel.stats().memory.capacityBytes / 1024 / 1024
    }
    return (await inChild(run, { env, given: { options } })).answer
  }

  test('lie in the environment, for servers and their children', async (test) => {
    const { carried, config } = await read(
      app(test),
      "withTiercel({}, { memoryMb: 7, namespace: 'a' })",
    )
    expect(JSON.parse(carried)).toEqual({ memoryMb: 7, namespace: 'a' })
    expect(config).not.toHaveProperty('env')
    expect(await capacity({ TIERCEL_OPTIONS: carried })).toBe(7)
    expect((await read(app(test), 'withTiercel({})')).carried).toBeNull()
  })

  test('win over the environment; configure() wins over them', async () => {
    const env = { TIERCEL_OPTIONS: '{"memoryMb":7}', TIERCEL_MEMORY_MB: '9' }
    expect(await capacity(env)).toBe(7)
    expect(await capacity(env, { memoryMb: 8 })).toBe(8)
    expect(await capacity(env, { memoryMb: undefined, jitterPercent: 1 })).toBe(7)
  })

  test('are part of a standalone build, whose server reads no next.config', async (test) => {
    const text = "withTiercel({ output: 'standalone', env: { MINE: '1' } }, { memoryMb: 7 })"
    const { config } = await read(app(test), text)
    expect(config.env).toEqual({ MINE: '1', TIERCEL_OPTIONS: '{"memoryMb":7}' })
    const standalone = { __NEXT_PRIVATE_STANDALONE_CONFIG: JSON.stringify(config) }
    expect(await capacity(standalone)).toBe(7)
    expect(await capacity({ __NEXT_PRIVATE_STANDALONE_CONFIG: '{' })).toBe(64)
  })

  test('a wrong one is named when the handler loads', async () => {
    const run = ({ index }) => {
      try {
        return require(index)
      } catch ({ code, message }) {
        return [code, message]
      }
    }
    const env = { TIERCEL_OPTIONS: '{"memoryMegabytes":7}' }
    const [code, message] = (await inChild(run, { env })).answer
    expect(code).toBe('TIERCEL_UNKNOWN_OPTION')
    expect(message).toContain('memoryMegabytes')
  })

  test('a password does not become part of a standalone build', async (test) => {
    const options = [
      "secret: 'sixteen characters'",
      "redisPassword: 'p'",
      "redisSentinelPassword: 'p'",
      "redisUrl: 'rediss://user:p@host'",
      "redisUrl: 'redis://host?sentinelPassword=p'",
    ]
    for (const option of options) {
      const text = `withTiercel({ output: 'standalone' }, { ${option} })`
      const { code, message } = await read(app(test), text)
      expect([option, code]).toEqual([option, 'TIERCEL_INVALID_OPTION'])
      expect(message).toMatch(/set TIERCEL_\w+ where the server runs instead$/)
      expect(message).not.toMatch(/sixteen|:p@/)
      expect((await read(app(test), `withTiercel({}, { ${option} })`)).code).toBeUndefined()
    }
    const without = "withTiercel({ output: 'standalone' }, { redisUrl: 'redis://host:6379/0' })"
    expect((await read(app(test), without)).config.env.TIERCEL_OPTIONS).toContain('redis://host')
  })

  test('one that is undefined where the build runs is named, if the server could not read it', async (test) => {
    const option = '{ redisUrl: process.env.NOWHERE_URL }'
    const { stderr, config } = await read(
      app(test),
      `withTiercel({ output: 'standalone' }, ${option})`,
    )
    expect(config).not.toHaveProperty('env')
    expect(stderr).toMatch(
      /^tiercel: option `redisUrl` .* set TIERCEL_REDIS_URL where that runs\n$/,
    )
    expect((await read(app(test), `withTiercel({}, ${option})`)).stderr).toBe('')
  })

  test('a function is refused by name, since it reaches no server', async (test) => {
    const { code, message } = await read(app(test), 'withTiercel({}, { debug: () => {} })')
    expect(code).toBe('TIERCEL_INVALID_OPTION')
    expect(message).toContain('configure({ debug })')
  })

  test('reach a handler that is loaded already, as in a custom server', async (test) => {
    const run = ({ index, settings }) => {
      const Tiercel = require(index)
      require(settings).withTiercel({}, { memoryMb: 7 })
      const capacity = Tiercel.stats().memory.capacityBytes / 1024 / 1024
      new Tiercel()
      require(settings).withTiercel({})
      const { stderr } = process
      let log = ''
      stderr.write = (text) => (log += text)
      require(settings).withTiercel({}, { memoryMb: 9 })
      delete stderr.write
      return [capacity, Tiercel.stats().memory.capacityBytes / 1024 / 1024, log]
    }
    const { answer } = await inChild(run, { given: { settings }, cwd: directory(test) })
    const [before, after, log] = answer
    expect([before, after]).toEqual([7, 7])
    expect(log).toMatch(/^tiercel: a call of the handler came before next.config was read/)
  })
})

test('what is documented of withTiercel is what it sets', () => {
  const declared = readFileSync(join(root, 'config.d.ts'), 'utf8')
  const source = readFileSync(join(root, 'js/config/settings.js'), 'utf8')
  for (const name of [
    'cacheHandler',
    'cacheMaxMemorySize',
    'customCacheHandler',
    'cacheHandlers',
  ]) {
    expect(declared).toContain(name)
    expect(source).toContain(name)
  }
})
