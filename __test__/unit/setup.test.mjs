import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { directory, index, write } from './support.mjs'

const require = createRequire(import.meta.url)
const { wrap, ByHand } = require('../../js/setup/config-file.js')
const { mask } = require('../../js/setup/mask.js')
const { diff } = require('../../js/setup/diff.js')
const root = dirname(index)
const program = join(root, 'bin', 'tiercel.js')

const NEXT = { dependencies: { next: '16.4.6' } }

/** Runs a command in an app of these files. */
function tiercel(test, files, args) {
  const dir = directory(test)
  write(dir, { 'package.json': NEXT, ...files })
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: dir,
    encoding: 'utf8',
    input: '',
  })
  const read = (name) =>
    existsSync(join(dir, name)) ? readFileSync(join(dir, name), 'utf8') : undefined
  return { dir, status, stdout, stderr, read }
}

const TS = `import type { NextConfig } from "next";

const nextConfig: NextConfig = {
  /* config options here */
};

export default nextConfig;
`

describe('what next.config exports is wrapped', () => {
  test('as create-next-app writes it', () => {
    expect(wrap(TS)).toBe(`import type { NextConfig } from "next";
import { withTiercel } from "tiercel/config";

const nextConfig: NextConfig = {
  /* config options here */
};

export default withTiercel(nextConfig);
`)
    const js = `/** @type {import('next').NextConfig} */
const nextConfig = {}

module.exports = nextConfig
`
    expect(wrap(js)).toBe(`const { withTiercel } = require('tiercel/config')

/** @type {import('next').NextConfig} */
const nextConfig = {}

module.exports = withTiercel(nextConfig)
`)
  })

  const forms = [
    ['export default { a: 1 }', 'export default withTiercel({ a: 1 })'],
    [
      'export default { a: 1 } satisfies NextConfig;',
      'export default withTiercel({ a: 1 } satisfies NextConfig);',
    ],
    [
      'export default withMDX({ a })(nextConfig)\n',
      'export default withTiercel(withMDX({ a })(nextConfig))\n',
    ],
    [
      'export default (phase) => ({ a: 1 });\n',
      'export default withTiercel((phase) => ({ a: 1 }));\n',
    ],
    [
      'export default async (phase, { defaultConfig }) => {\n  return { a: ";" }\n}\n',
      'export default withTiercel(async (phase, { defaultConfig }) => {\n  return { a: ";" }\n})\n',
    ],
    [
      'export default async function config(phase): Promise<NextConfig> {\n  return {}\n}\nconst x = 1\n',
      'export default withTiercel(async function config(phase): Promise<NextConfig> {\n  return {}\n})\nconst x = 1\n',
    ],
    [
      'const a = {}\nexport default a\n// the end',
      'const a = {}\nexport default withTiercel(a)\n// the end',
    ],
    ['module.exports = {\n  a: /[/;"]/,\n};', 'module.exports = withTiercel({\n  a: /[/;"]/,\n});'],
    [
      'module.exports = () => {\n  return withA(withB({}))\n}',
      'module.exports = withTiercel(() => {\n  return withA(withB({}))\n})',
    ],
    [
      '// export default old\nexport default a',
      '// export default old\nexport default withTiercel(a)',
    ],
    [
      'const t = `\nexport default b`\nexport default a',
      'const t = `\nexport default b`\nexport default withTiercel(a)',
    ],
  ]
  test.each(forms)('%s', (before, after) => {
    const lines = (text) => text.split('\n').filter((line) => !/tiercel\/config/.test(line))
    expect(lines(wrap(before)).join('\n').trimStart()).toBe(after)
  })

  test('its import comes after the others, and below what has to be first', () => {
    const first = (text) => wrap(text).split('\n').slice(0, 3)
    expect(first("'use strict'\nmodule.exports = {}")[1]).toBe(
      "const { withTiercel } = require('tiercel/config')",
    )
    expect(first('// @ts-check\n\nexport default {}')[1]).toBe(
      "import { withTiercel } from 'tiercel/config'",
    )
    const many = "import a from 'a'\nimport {\n  b,\n} from 'b'\nimport 'c'\n\nexport default {}"
    expect(wrap(many)).toContain("import 'c'\nimport { withTiercel } from 'tiercel/config'\n\n")
    const required =
      "const a = require('a')\nconst { b } = require('b')({\n  c: 1,\n})\nmodule.exports = a"
    expect(wrap(required)).toMatch(/^const a = require\('a'\)\nconst { withTiercel } = require/)
  })

  const unusual = [
    ['', 'no `export default`'],
    ['const a = {}\nexport { a as default }', 'not recognised'],
    ['module.exports = {}\nmodule.exports.env = {}', 'not recognised'],
    ['exports.default = {}', 'not recognised'],
    ['export = {}', 'not recognised'],
    [
      'if (process.env.CI) {\n  module.exports = a\n} else {\n  module.exports = b\n}',
      'more than one place',
    ],
    ['if (process.env.CI) {\n  module.exports = a\n}', 'on a condition'],
    ['export default { a: 1 }\nconst b = 2', 'a semicolon is missing'],
    ['export default function config() {}\nconfig()', 'also used elsewhere'],
    ['export default (', 'was not found'],
    ['export default {', 'was not found'],
    ['export default a, b', 'was not found'],
  ]
  test.each(unusual)('or left, where that is not sure: %s', (source, why) => {
    expect(() => wrap(source)).toThrow(ByHand)
    expect(() => wrap(source)).toThrow(why)
  })
})

test('a masked source is as long, and holds no texts', () => {
  const computed = '`t$' + '{`{`}`'
  const source = `a("x;\\"y", ${computed} /* } */) // {\nb = 4 / 2 / 1; c = /[/]{/.test(d) 'é'`
  expect(mask(source)).toHaveLength(source.length)
  expect(mask(source)).not.toMatch(/[{}xyté]|;.*;.*;/)
  expect(mask('"open')).toHaveLength(5)
  expect(mask(computed.slice(0, 5))).toHaveLength(5)
})

test('a diff shows what changes, and some lines around it', () => {
  const lines = (...more) => `${[1, 2, 3, 4, 5, ...more, 6, 7, 8, 9, 10].join('\n')}\n`
  expect(diff('f', lines('old'), lines('new'))).toBe(
    ['--- f', '+++ f', '@@', ' 3', ' 4', ' 5', '-old', '+new', ' 6', ' 7', ' 8'].join('\n'),
  )
  expect(diff('f', undefined, 'a\n')).toBe('--- /dev/null\n+++ f\n@@\n+a')
  expect(diff('f', 'a\n', 'a\n')).toBe('')
})

describe('tiercel init', () => {
  test('shows the change; --yes makes it, once', (test) => {
    const files = { 'next.config.ts': TS, 'pnpm-lock.yaml': '' }
    const dry = tiercel(test, files, ['init', '--dry-run'])
    expect(dry.stdout).toContain(
      '-export default nextConfig;\n+export default withTiercel(nextConfig);',
    )
    expect(dry.stdout).toContain('pnpm add tiercel')
    expect(dry.status).toBe(0)
    expect(dry.read('next.config.ts')).toBe(TS)

    const { dir, read, status } = tiercel(test, files, ['init', '--yes'])
    expect(status).toBe(0)
    expect(read('next.config.ts')).toBe(wrap(TS))
    const again = spawnSync(process.execPath, [program, 'init', '--yes', '--dir', dir], {
      encoding: 'utf8',
    })
    expect(again).toMatchObject({ status: 0, stdout: 'next.config.ts uses withTiercel\n\n' })
    expect(read('next.config.ts')).toBe(wrap(TS))
  })

  test('where nobody can be asked, it writes nothing', (test) => {
    const { status, stdout, read } = tiercel(test, { 'next.config.ts': TS }, ['init'])
    expect(stdout).toContain('--yes writes next.config.ts')
    expect(status).toBe(1)
    expect(read('next.config.ts')).toBe(TS)
  })

  test('without a next.config it makes one', (test) => {
    const { read } = tiercel(test, {}, ['init', '-y'])
    expect(read('next.config.mjs')).toMatch(
      /^import { withTiercel } .*\n\n[\s\S]*withTiercel\(nextConfig\)\n$/,
    )
  })

  test('an unusual file stays, and what to write is shown', (test) => {
    const source = 'const a = {}\nexport { a as default }\n'
    const { status, stdout, read } = tiercel(test, { 'next.config.mjs': source }, ['init', '--yes'])
    expect(stdout).toMatch(/^next.config.mjs is left as it is: it exports in a form/)
    expect(stdout).toContain('export default withTiercel(nextConfig)')
    expect(status).toBe(1)
    expect(read('next.config.mjs')).toBe(source)
  })

  test('an app with another handler is for migrate, and a folder without Next.js for nobody', (test) => {
    const source = "module.exports = { cacheHandler: require.resolve('./cache.js') }\n"
    const other = tiercel(test, { 'next.config.js': source }, ['init', '--yes'])
    expect(other.stdout).toContain('`tiercel migrate`')
    expect(other.read('next.config.js')).toBe(source)
    const none = tiercel(test, { 'package.json': {} }, ['init', '--yes'])
    expect([none.status, none.stdout]).toEqual([1, expect.stringContaining('does not list next')])
  })

  test('the plain form of the README is wrapped, too', (test) => {
    const source =
      "const tiercel = require.resolve('tiercel')\nmodule.exports = { cacheHandler: tiercel }\n"
    const { read } = tiercel(test, { 'next.config.js': source }, ['init', '--yes'])
    expect(read('next.config.js')).toContain(
      'module.exports = withTiercel({ cacheHandler: tiercel })',
    )
  })

  test('a wrong flag is named, and --help helps', (test) => {
    const wrong = tiercel(test, {}, ['init', '--force'])
    expect(wrong).toMatchObject({
      status: 2,
      stderr: 'tiercel: there is no flag --force; see tiercel init --help\n',
    })
    expect(tiercel(test, {}, ['init', 'web']).stderr).toContain('it takes flags only')
    for (const command of ['init', 'migrate']) {
      const { status, stdout } = tiercel(test, {}, [command, '--help'])
      expect([status, stdout]).toEqual([0, expect.stringContaining('--dry-run')])
    }
  })
})

describe('tiercel migrate', () => {
  const handled = (file) => `/** @type {import('next').NextConfig} */
const nextConfig = {
  reactStrictMode: true,
  cacheHandler: require.resolve('${file}'),
  cacheMaxMemorySize: 0, // disable default in-memory caching
}

module.exports = nextConfig
`
  const migrated = (options = '') => `const { withTiercel } = require('tiercel/config')

/** @type {import('next').NextConfig} */
const nextConfig = {
  reactStrictMode: true,
}

module.exports = withTiercel(nextConfig${options})
`

  test('from @neshca, as its documentation has it', (test) => {
    const handler = `import { CacheHandler } from '@neshca/cache-handler';
import createLruHandler from '@neshca/cache-handler/local-lru';
import createRedisHandler from '@neshca/cache-handler/redis-stack';
import { createClient } from 'redis';
CacheHandler.onCreation(async () => {
  const client = createClient({ url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' });
  const redis = await createRedisHandler({ client, keyPrefix: 'shop:', timeoutMs: 1_000 });
  const lru = createLruHandler({ maxItemsNumber: 10000, maxItemSizeBytes: 1024 * 1024 * 500 });
  return { handlers: [redis, lru], ttl: { defaultStaleAge: 60, estimateExpireAge: (a) => a * 2 } };
});
export default CacheHandler;`
    const { status, stdout, read } = tiercel(
      test,
      {
        'package.json': { dependencies: { next: '16', '@neshca/cache-handler': '1.9.0' } },
        'next.config.js': handled('./cache-handler.mjs'),
        'cache-handler.mjs': handler,
        'src/instrumentation.ts':
          "import { registerInitialCache } from '@neshca/cache-handler/instrumentation'",
        'lib/data.ts': "import { neshCache } from '@neshca/cache-handler/functions'",
        'node_modules/x/index.js': "require('@neshca/cache-handler')",
      },
      ['migrate', '--yes'],
    )
    const options = "{ namespace: 'shop', commandTimeoutMs: 1000, maxEntryMb: 500 }"
    expect(read('next.config.js')).toBe(migrated(`, ${options}`))
    expect(read('cache-handler.mjs')).toBe(handler)
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /^The app uses @neshca\/cache-handler.\nTaken over: namespace, commandTimeoutMs, maxEntryMb.\n/,
    )
    expect(stdout).toContain('maxItemsNumber: memory is bounded in bytes')
    expect(stdout).toContain('defaultStaleAge: entries are kept')
    expect(stdout).toContain('src/instrumentation.ts uses registerInitialCache: remove it')
    expect(stdout).toContain('lib/data.ts uses neshCache: has no equivalent')
    expect(stdout).not.toContain('node_modules')
    expect(stdout).toContain('cache-handler.mjs: kept')
    expect(stdout).toContain('npm uninstall @neshca/cache-handler')
  })

  test('from @fortedigital', (test) => {
    const { stdout, read } = tiercel(
      test,
      {
        'next.config.js': handled('./cache-handler'),
        'cache-handler.js': `
          const { CacheHandler } = require('@fortedigital/nextjs-cache-handler')
          const createRedisHandler = require('@fortedigital/nextjs-cache-handler/redis-strings').default
          const settings = { url: process.env.REDIS_URL, pingInterval: 10000 }
          if (process.env.REDIS_ACCESS_KEY) settings.password = process.env.REDIS_ACCESS_KEY
          const redis = createRedisHandler({ client, keyPrefix: 'nextjs:', sharedTagsKey: 'myTags' })`,
      },
      ['migrate', '--yes'],
    )
    expect(read('next.config.js')).toBe(migrated(", { namespace: 'nextjs' }"))
    expect(stdout).toContain('The app uses @fortedigital/nextjs-cache-handler.')
    expect(stdout).toContain('TIERCEL_REDIS_PASSWORD=$REDIS_ACCESS_KEY')
    expect(stdout).toContain('sharedTagsKey: the table of tags')
  })

  test('from @trieb.work, named as a package, with its variables', (test) => {
    const { stdout, read } = tiercel(
      test,
      {
        'next.config.js': handled('@trieb.work/nextjs-turbo-redis-cache'),
        '.env.production':
          '# where\nREDISHOST=cache\nexport REDISPORT=6379\nKEY_PREFIX=secret-name\n',
      },
      ['migrate', '--yes'],
    )
    expect(read('next.config.js')).toBe(migrated())
    expect(stdout).toContain('TIERCEL_REDIS_URL=redis://$REDISHOST:$REDISPORT')
    expect(stdout).toContain('TIERCEL_NAMESPACE=$KEY_PREFIX')
    expect(stdout).not.toContain('secret-name')
  })

  test('from @trieb.work with a wrapper of its options', (test) => {
    const { stdout, read } = tiercel(
      test,
      {
        'next.config.js': handled('./customized-cache-handler'),
        'customized-cache-handler.js': `
          const { RedisStringsHandler } = require('@trieb.work/nextjs-turbo-redis-cache');
          new RedisStringsHandler({ redisUrl: 'rediss://cache.example:6380', database: 2, getTimeoutMs: 9_000,
            inMemoryCachingTime: 0, killContainerOnErrorThreshold: 10, password: 'hunter2hunter2',
            socketOptions: { tls: true, rejectUnauthorized: false } })`,
      },
      ['migrate', '--yes'],
    )
    expect(read('next.config.js')).toContain(
      `{
  redisUrl: 'rediss://cache.example:6380', redisDatabase: 2, commandTimeoutMs: 2000,`.replace(
        /\n\s*/g,
        ' ',
      ),
    )
    expect(read('next.config.js')).toContain('redisTls: true, redisTlsVerify: false }')
    expect(stdout).toContain('killContainerOnErrorThreshold: there is none; ready()')
    expect(stdout).toContain('password: set TIERCEL_REDIS_PASSWORD')
    expect(stdout + read('next.config.js')).not.toContain('hunter2')
  })

  test('from @leejpsd, both interfaces on a condition, in TypeScript', (test) => {
    const { stdout, read } = tiercel(
      test,
      {
        'next.config.ts': `import path from "path";
import type { NextConfig } from "next";

const enabled = !!process.env.REDIS_URL;

const nextConfig: NextConfig = {
  output: "standalone",
  cacheComponents: true,
  cacheMaxMemorySize: 0,
  cacheHandler: enabled ? require.resolve("./cache-incremental.cjs") : undefined,
  cacheHandlers: enabled ? { default: require.resolve("./cache-components.cjs") } : {},
};
export default nextConfig;
`,
        'cache-incremental.cjs': `
          const { createIncrementalCacheHandler } = require("@leejpsd/nextjs-cache-handler/incremental");
          module.exports = createIncrementalCacheHandler({
            client: { type: "redis", url: process.env.CACHE_URL },
            buildNamespace: process.env.DEPLOYMENT_VERSION, abortTimeoutMs: 1500, compression: "gzip",
          });`,
        'cache-components.cjs': `
          const { createCacheComponentsHandler } = require("@leejpsd/nextjs-cache-handler/cache-components");
          module.exports = createCacheComponentsHandler({ singleFlight: true, onMetric: (e) => log(e) });`,
      },
      ['migrate', '--yes'],
    )
    expect(read('next.config.ts')).toBe(`import path from "path";
import type { NextConfig } from "next";
import { withTiercel } from "tiercel/config";

const enabled = !!process.env.REDIS_URL;

const nextConfig: NextConfig = {
  output: "standalone",
  cacheComponents: true,
};
export default withTiercel(nextConfig, { commandTimeoutMs: 1500 });
`)
    expect(stdout).toContain('TIERCEL_REDIS_URL=$CACHE_URL')
    expect(stdout).toContain('it was used on a condition')
    expect(stdout).toContain('singleFlight: one instance generates for all')
    expect(stdout).toContain('cache-components.cjs, cache-incremental.cjs: kept')
  })

  test('from @mrjasonroy, named by plain paths', (test) => {
    const { stdout, read } = tiercel(
      test,
      {
        'next.config.js': `export default {
  cacheComponents: true,
  cacheHandlers: {
    default: "./data-cache-handler.mjs",
    remote: "./data-cache-handler.mjs",
  },
  cacheMaxMemorySize: 0, // Disable Next's built-in in-memory handler
};
`,
        'data-cache-handler.mjs': `
          import { createCacheHandler } from "@mrjasonroy/cache-components-cache-handler";
          export default createCacheHandler({ type: "elasticache", endpoint: process.env.ELASTICACHE_ENDPOINT,
            tls: true, password: process.env.CACHE_AUTH_TOKEN, keyPrefix: "myapp:cache:", debug: isDev });`,
      },
      ['migrate', '--yes'],
    )
    expect(read('next.config.js')).toBe(`import { withTiercel } from "tiercel/config";

export default withTiercel({
  cacheComponents: true,
}, { redisTls: true, namespace: "myapp:cache" });
`)
    expect(stdout).toContain('TIERCEL_REDIS_URL=rediss://$ELASTICACHE_ENDPOINT')
    expect(stdout).toContain('TIERCEL_REDIS_PASSWORD=$CACHE_AUTH_TOKEN')
  })

  test('from the example of Next.js, on redis without a package', (test) => {
    const { stdout, read } = tiercel(
      test,
      {
        'next.config.js': `const nextConfig = {
  cacheHandler:
    process.env.NODE_ENV === "production"
      ? require.resolve("./cache-handler.js")
      : undefined,
  cacheHandlers: { remote: require.resolve("./remote-cache-handler.js") },
  env: { A: "b" },
};

module.exports = nextConfig;
`,
        'cache-handler.js': 'const { createClient } = require("redis");',
        'remote-cache-handler.js':
          'const client = require("redis").createClient({ url: process.env.REDIS_URL ?? "x" });',
      },
      ['migrate', '--yes'],
    )
    expect(read('next.config.js')).toBe(`const { withTiercel } = require("tiercel/config");

const nextConfig = {
  env: { A: "b" },
};

module.exports = withTiercel(nextConfig);
`)
    expect(stdout).toMatch(/^The app uses a handler of the app's own, on redis or ioredis/)
  })

  test('nothing is left of a config that named a handler only', (test) => {
    const name = '@trieb.work/nextjs-turbo-redis-cache'
    const source = `module.exports = {\n  cacheHandler: require.resolve("${name}"),\n}\n`
    const { read } = tiercel(test, { 'next.config.js': source }, ['migrate', '--yes'])
    expect(read('next.config.js')).toContain('\nmodule.exports = withTiercel({})\n')
  })

  test('what it does not know, or cannot take out, stays', (test) => {
    const unknown = { 'next.config.js': handled('./own.js'), 'own.js': 'module.exports = class {}' }
    const assigned = {
      'next.config.js':
        "const c = {}\nc.cacheHandler = require.resolve('./h.js')\nmodule.exports = c\n",
      'h.js': "require('redis')",
    }
    const none = { 'next.config.js': 'module.exports = {}\n' }
    const says = ['none that is known', 'not recognised', '`tiercel init`']
    for (const [n, files] of [unknown, assigned, none].entries()) {
      const { status, stdout, read } = tiercel(test, files, ['migrate', '--yes'])
      expect([status, stdout]).toEqual([1, expect.stringContaining(says[n])])
      expect(read('next.config.js')).toBe(files['next.config.js'])
    }
  })

  test('every option that it takes over is one of Tiercel', () => {
    const { SETTINGS, VARIABLES } = require('../../js/setup/peers.js')
    const declared = readFileSync(join(root, 'index.d.ts'), 'utf8')
    for (const { option, variable } of Object.values(SETTINGS)) {
      if (option) expect(declared).toMatch(new RegExp(`^ +${option}\\?:`, 'm'))
      if (variable) expect(declared).toContain(variable)
    }
    for (const line of Object.values(VARIABLES)) expect(declared).toContain(line.split('=')[0])
  })
})
