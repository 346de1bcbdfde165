import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { appWith, inChild, index, write } from './support.mjs'

// What an operator is told, in which words, and on which way.

const MANIFEST = new URL('../../package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(MANIFEST, 'utf8'))
const QUIET = { REDIS_URL: '', NODE_ENV: 'production' }
const use = async ({ index }) => void (await require(index).ready())

describe.concurrent('the first line', () => {
  const first = async (env) => {
    const { opening, stderr } = await inChild(use, { env: { ...QUIET, ...env } })
    return [opening.replace(`tiercel ${version}: `, ''), stderr]
  }

  test('says why there is no server', async ({ expect }) => {
    expect(await first({})).toEqual(['memory only (REDIS_URL is not set), 64 MiB\n', ''])
    const found = await first({ REDISHOST: 'x', TIERCEL_MEMORY_MB: '8' })
    expect(found[0]).toBe(
      'memory only (REDIS_URL is not set; found REDISHOST, which is not read), 8 MiB\n',
    )
    const none = await first({ TIERCEL_REDIS_URL: 'none', REDIS_URL: 'redis://x' })
    expect(none[0]).toBe('memory only (TIERCEL_REDIS_URL is none), 64 MiB\n')
  })

  test('says that a build and dev do not connect, and why', async ({ expect }) => {
    const [build, inDev] = await Promise.all([
      first({ REDIS_URL: 'redis://127.0.0.1:9', NEXT_PHASE: 'phase-production-build' }),
      first({ REDIS_URL: 'redis://127.0.0.1:9', __NEXT_DEV_SERVER: '1' }),
    ])
    expect(build[0]).toMatch(/^memory only \(next build does not connect: redisInBuild is off\)/)
    expect(inDev[0]).toMatch(/^memory only \(next dev does not connect: redisInDev is off\)/)
  })

  test('is said by one worker of a build only', async ({ expect }) => {
    const build = { NEXT_PHASE: 'phase-production-build', IS_NEXT_WORKER: 'true' }
    const all = ['1', '2'].map((id) => first({ ...build, JEST_WORKER_ID: id }))
    const [one, other] = await Promise.all(all)
    expect([one[0], other[0]]).toEqual([expect.stringContaining('memory only'), ''])
    const dev = { __NEXT_DEV_SERVER: '1', IS_NEXT_WORKER: 'true', JEST_WORKER_ID: '1' }
    expect((await first(dev))[0]).toBe('')
  })

  test('shows no login', async ({ expect }) => {
    const url = 'redis://user:hunter2@127.0.0.1:9/3'
    const [opening, stderr] = await first({ REDIS_URL: url, TIERCEL_NAMESPACE: 'shop' })
    expect(opening).toBe(
      'memory 64 MiB + redis 127.0.0.1:9/3, namespace shop (TIERCEL_NAMESPACE)\n',
    )
    expect(stderr).toContain(' is away (connection refused): ')
    expect(stderr).not.toMatch(/hunter2|user:/)
  })

  test('is not lost if the process ends at once', async ({ expect }) => {
    const run = ({ index }) => {
      require(index).stats()
      process.exit(3)
    }
    const { code, opening } = await inChild(run, { env: QUIET })
    expect([code, opening]).toEqual([3, expect.stringContaining('memory only')])
  })

  test('is said once for all threads, also if a worker starts the engine', async ({ expect }) => {
    const run = async ({ index }) => {
      const { Worker } = require('node:worker_threads')
      const text = `require(${JSON.stringify(index)}).stats()`
      for (let n = 0; n < 2; n++) {
        const worker = new Worker(text, { eval: true })
        await new Promise((ended) => worker.once('exit', ended))
      }
      require(index).stats()
    }
    const { opening } = await inChild(run, { env: QUIET })
    expect(opening.match(/^tiercel /gm)).toHaveLength(1)
  })

  test('a program that only loads the module starts nothing', async ({ expect }) => {
    const run = async ({ index }) => {
      require(index)
      require(index.replace('index.js', 'config.js'))
      await new Promise((wake) => setTimeout(wake, 300))
    }
    const env = { ...QUIET, REDIS_URL: 'redis://127.0.0.1:9' }
    const { opening, stderr } = await inChild(run, { env })
    expect([opening, stderr]).toEqual(['', ''])
  })
})

test.concurrent('variables that name no option are told with what may be meant', async ({
  expect,
}) => {
  const env = {
    ...QUIET,
    TIERCEL_REDIS_URI: 'hunter2',
    // Of a service of Kubernetes, and empty.
    TIERCEL_PORT: 'tcp://10.0.0.1:80',
    TIERCEL_SERVICE_HOST: '10.0.0.1',
    TIERCEL_MEMORY: '',
  }
  const { stderr } = await inChild(use, { env })
  expect(stderr).toBe(
    'tiercel: there is no option TIERCEL_REDIS_URI: did you mean TIERCEL_REDIS_URL?\n',
  )
})

describe.concurrent('a line leaves', () => {
  test('through process.stderr', async ({ expect }) => {
    const run = async ({ index }) => {
      const written = []
      process.stderr.write = (text) => written.push(text)
      await require(index).ready()
      while (written.length === 0) await new Promise(setImmediate)
      return written
    }
    const { answer, stderr, opening } = await inChild(run, { env: QUIET })
    expect(answer).toEqual([expect.stringMatching(/^tiercel \S+: memory only .*\n$/)])
    expect([stderr, opening]).toEqual(['', ''])
  })

  test('to onNotice instead, with level and code', async ({ expect }) => {
    const run = async ({ index }) => {
      const told = []
      const Tiercel = require(index).configure({ onNotice: (notice) => void told.push(notice) })
      await Tiercel.ready()
      return told
    }
    const env = { ...QUIET, REDIS_URL: 'redis://:hunter2@127.0.0.1:9', TIERCEL_NAMESPACE: 'shop' }
    const { answer, stderr, opening } = await inChild(run, { env })
    expect([stderr, opening]).toEqual(['', ''])
    expect(answer).toEqual([
      {
        level: 'info',
        code: 'started',
        text: 'memory 64 MiB + redis 127.0.0.1:9/0, namespace shop (TIERCEL_NAMESPACE)',
      },
      {
        level: 'error',
        code: 'away',
        text: expect.stringMatching(/^redis 127\.0\.0\.1:9\/0 is away \(connection refused\): /),
      },
    ])
  })

  test('to standard error if onNotice throws', async ({ expect }) => {
    const run = async ({ index }) => {
      const onNotice = () => {
        throw new Error('x')
      }
      return require(index).configure({ onNotice }).ready()
    }
    const { answer, opening } = await inChild(run, { env: QUIET })
    expect(answer.ready).toBe(true)
    expect(opening).toContain('memory only')
  })

  test('an onNotice that is no function is refused', async ({ expect }) => {
    for (const onNotice of [true, 'x', 1]) {
      const run = ({ index, onNotice }) => {
        try {
          require(index).configure({ onNotice })
        } catch ({ code, message }) {
          return { code, message }
        }
      }
      const { answer } = await inChild(run, { given: { onNotice } })
      expect(answer?.code).toBe('TIERCEL_INVALID_OPTION')
      expect(answer.message).toContain('`onNotice` must be a function')
    }
  })
})

/** Two processes of a cluster, and what they say. */
const inCluster = async (env, name) => {
  const run = async ({ index, name }) => {
    const cluster = require('node:cluster')
    const worker = require('node:path').join(process.cwd(), 'worker.js')
    const text = `globalThis[Symbol.for('@next/router-server-methods')] = { '': {} }
      process.env.NEXT_RUNTIME = 'nodejs'
      require(${JSON.stringify(index)})
      setTimeout(() => process.exit(), 500)`
    require('node:fs').writeFileSync(worker, text)
    cluster.setupPrimary({ exec: worker, execArgv: [] })
    const count = 3
    const forked = Array.from({ length: count }, (_, n) => cluster.fork(name ? { [name]: n } : {}))
    await Promise.all(forked.map((one) => new Promise((ended) => one.on('exit', ended))))
  }
  return { run, env: { ...QUIET, ...env }, given: { name } }
}

test.concurrent.for([[undefined], ['NODE_APP_INSTANCE']])(
  'several processes in memory only say so once (%s)',
  async ([name], test) => {
    const { run, env, given } = await inCluster({}, name)
    const { opening, stderr } = await inChild(run, { env, given, cwd: appWith(test, '16.4.6') })
    test.expect(opening.match(/^tiercel /gm)).toHaveLength(3)
    test.expect(stderr.match(/^tiercel: several processes of this host/gm)).toHaveLength(1)
    const quiet = await inCluster({ TIERCEL_REDIS_URL: 'none' }, name)
    const asked = await inChild(quiet.run, { ...quiet, cwd: appWith(test, '16.4.6') })
    test.expect(asked.stderr).toBe('')
  },
)

const START = 'node_modules/next/dist/bin/next'
/** A server of Next.js, as far as it loads an app: `instrumentation.ts`, then it is listed. */
const SERVER = `
  require('../server/app-render/work-async-storage.external.js')
  const { existsSync } = require('node:fs')
  const load = async (file) => existsSync(file) && import(file)
  ;(async () => {
    await load(process.cwd() + '/next.config.cjs')
    await load(process.cwd() + '/instrumentation.cjs')
    globalThis[Symbol.for('@next/router-server-methods')] = {
      '': { nextConfig: { cacheHandler: process.cwd() + '/handler.cjs', distDir: '.next' } },
    }
    setTimeout(() => {
      if (globalThis.report) console.log(JSON.stringify(globalThis.report()))
      process.exit()
    }, 1_500)
  })()`

/** What such a server says that has these files. */
function server(test, files, env = {}) {
  const dir = appWith(test, '16.4.6')
  const named = Object.entries(files).map(([name, text]) => [
    name,
    text.replaceAll('tiercel', index),
  ])
  write(dir, {
    [START]: SERVER,
    'package.json': { name: 'shop' },
    '.next/BUILD_ID': 'of-today',
    '.next/required-server-files.json': {
      config: { cacheHandler: '../handler.cjs', distDir: '.next' },
    },
    'handler.cjs': `module.exports = require('${index}')`,
    ...Object.fromEntries(named),
  })
  const run = { cwd: dir, env: { PATH: process.env.PATH, ...QUIET, ...env } }
  return new Promise((done) => {
    execFile(process.execPath, [join(dir, START), 'start'], run, (error, stdout, stderr) => {
      const report = stdout && JSON.parse(stdout)
      done({ code: error?.code ?? 0, report, lines: stderr.split('\n').filter(Boolean) })
    })
  })
}

const REPORT = `globalThis.report = () => require('tiercel').stats().memory.capacityBytes / 2 ** 20`

describe.concurrent('a server of Next.js', () => {
  test('begins when it is about to answer, not with the first request', async (test) => {
    const { lines } = await server(test, {
      'next.config.cjs':
        "require('tiercel'.replace('index.js', 'config.js')).withTiercel({ outputFileTracingRoot: '/', turbopack: { root: '/' } })",
    })
    test
      .expect(lines)
      .toEqual([
        `tiercel ${version}: memory only (REDIS_URL is not set), 64 MiB, build of-today, next 16.4.6`,
      ])
  })

  test('takes the options of a handler file and of instrumentation.ts, whoever comes first', async (test) => {
    const handler = "module.exports = require('tiercel').configure({ memoryMb: 7 })"
    const early = "require('tiercel').configure({ jitterPercent: 1, memoryMb: 7 })"
    const asking = `${REPORT}; module.exports.register = require('tiercel').ready()`
    for (const hook of [`${early};${REPORT}`, asking, `${asking};${early}`]) {
      const files = { 'handler.cjs': handler, 'instrumentation.cjs': hook }
      const { report, lines } = await server(test, files)
      test.expect(report).toBe(7)
      test.expect(lines).toHaveLength(1)
    }
  })

  test('names both places of options that differ, and no value', async (test) => {
    const { lines, report } = await server(test, {
      'handler.cjs':
        "module.exports = require('tiercel').configure({ secret: 'hunter2 hunter2 hunter2', memoryMb: 7 })",
      'instrumentation.cjs': `${REPORT};require('tiercel').configure({ memoryMb: 8 })`,
    })
    test
      .expect(lines)
      .toEqual([
        'tiercel: `memoryMb` differs at instrumentation.cjs:1 and handler.cjs:1: the latter counts',
        test.expect.stringMatching(/^tiercel \S+: memory only \(.*\), 7 MiB/),
      ])
    test.expect(report).toBe(7)
  })

  test('tells options that come too late, and serves', async (test) => {
    const { lines, report, code } = await server(test, {
      'instrumentation.cjs': `${REPORT};require('tiercel').stats();new (require('tiercel'))();setTimeout(() => require('tiercel').configure({ memoryMb: 8 }), 300)`,
    })
    test.expect([code, report]).toEqual([0, 64])
    test
      .expect(lines[1])
      .toBe(
        'tiercel: `memoryMb` differs at instrumentation.cjs:1 and the start of the engine: the latter counts, since the engine runs already',
      )
  })

  test('does not start with options that cannot be used', async (test) => {
    const refused = /^tiercel: option `.*` must be .*; the server does not start$/
    const wrong = "module.exports = require('tiercel').configure({ memoryMb: 'lots' })"
    const config =
      "require('tiercel'.replace('index.js', 'config.js')).withTiercel({ outputFileTracingRoot: '/', turbopack: { root: '/' } })"
    for (const [files, env] of [
      [{ 'instrumentation.cjs': wrong }, {}],
      [{ 'handler.cjs': wrong, 'next.config.cjs': config }, {}],
      [{ 'next.config.cjs': config }, { TIERCEL_WAIT_MS: 'x' }],
      [{ 'next.config.cjs': config }, { REDIS_URL: 'https://eu-1.upstash.io' }],
    ]) {
      const { code, lines } = await server(test, files, env)
      test.expect(code).toBe(1)
      test.expect(lines).toEqual([test.expect.stringMatching(refused)])
    }
  })
})
