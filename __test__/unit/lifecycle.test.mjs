import { cpSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { bundled, directory, inChild, index, write } from './support.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const loader = join(root, 'js', 'loader.js')

/** A copy of the package, as a bundler or a second installation makes one. */
function copy(dir, { withAddon = true } = {}) {
  const names = ['index.js', 'memory.js', 'js', 'package.json']
  if (withAddon) names.push(...readdirSync(root).filter((name) => name.endsWith('.node')))
  for (const name of names) cpSync(join(root, name), join(dir, name), { recursive: true })
  return join(dir, 'index.js')
}

test.concurrent('however often it is loaded, there is one class and one engine', async (test) => {
  const dir = directory(test)
  const copied = copy(dir)
  const imports = `import Tiercel from ${JSON.stringify(pathToFileURL(index))}`
  write(dir, { 'imports.mjs': `${imports}\nglobalThis.imported = Tiercel` })
  const { answer, stderr } = await inChild(
    async ({ index, copied }) => {
      const first = require(index)
      const engine = first.configure({ memoryMb: 7 }).stats().memory.capacityBytes
      for (const path of Object.keys(require.cache)) delete require.cache[path]
      const others = [require(index), require(copied), globalThis.imported]
      return [engine, ...others.map((other) => other === first)]
    },
    { given: { copied }, flags: ['--import', join(dir, 'imports.mjs')] },
  )
  expect(stderr).toBe('')
  expect(answer).toEqual([7 << 20, true, true, true])
})

test.concurrent('a copy that was bundled finds the package from the app', async (test) => {
  const app = directory(test)
  copy(join(app, 'node_modules', 'tiercel'))
  write(app, { 'bundle/chunk.js': bundled() })
  const given = { bundle: join(app, 'bundle', 'chunk.js') }
  const { answer } = await inChild(
    ({ bundle }) => require(bundle) === require(`${process.cwd()}/node_modules/tiercel`),
    { cwd: app, given },
  )
  expect(answer).toBe(true)
})

test.concurrent('the memory handler is a handler of its own on the same engine', async () => {
  const { answer } = await inChild(async ({ index }) => {
    const Tiercel = require(index)
    const Memory = require(index.replace('index.js', 'memory.js'))
    const value = { kind: 'FETCH', data: { body: 'x', headers: {} }, revalidate: 60 }
    await new Memory().set('key', value, { tags: [] })
    const found = await new Tiercel().get('key', { kind: 'FETCH' })
    return [Memory !== Tiercel, typeof Memory.updateTags, found.value.data.body]
  })
  expect(answer).toEqual([true, 'function', 'x'])
})

/** Uses every call once and leaves; tells how long after that the process was still there. */
async function useAndLeave({ index, isWaiting }) {
  const Tiercel = require(index)
  const handler = new Tiercel()
  const value = { kind: 'FETCH', data: { body: 'x', headers: {} }, revalidate: 60 }
  await handler.set('key', value, { tags: ['a'] })
  await handler.get('key', { kind: 'FETCH' })
  await handler.get('/page', { kind: 'APP_PAGE' })
  await Tiercel.set('use', Promise.reject(new Error('the generation failed')))
  await Tiercel.get('use', [])
  await Tiercel.updateTags(['a'], { expire: 60 })
  await handler.revalidateTag(['a'])
  if (isWaiting) {
    Tiercel.set('hung', new Promise(() => {}))
    Tiercel.get('hung', [])
    handler.get('led', { kind: 'FETCH' })
    handler.get('led', { kind: 'FETCH' })
  }
  const left = performance.now()
  process.on('exit', () => {
    require('node:fs').writeSync(1, String(performance.now() - left))
  })
}

test.concurrent.each([
  ['nothing is under way', false, 1_500],
  ['something is still waited for', true, 2_500],
])('the process ends by itself when %s', async (_, isWaiting, most) => {
  const { code, signal, stdout, stderr } = await inChild(useAndLeave, { given: { isWaiting } })
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' })
  expect(Number(stdout)).toBeLessThan(most)
})

const hasProc = process.platform === 'linux'

test.runIf(hasProc).concurrent('loading alone starts no thread, timer or listener', async () => {
  const { answer } = await inChild(({ index }) => {
    const { readdirSync } = require('node:fs')
    const threads = () => readdirSync('/proc/self/task').length
    const listeners = () => process.eventNames().map((name) => [name, process.listenerCount(name)])
    const before = [threads(), listeners()]
    require(index)
    const Tiercel = require(index)
    Tiercel.configure({ memoryMb: 5 })
    new Tiercel()
    return [before, [threads(), listeners()], process.getActiveResourcesInfo().includes('Timeout')]
  })
  const [before, after, hasTimer] = answer
  expect(after).toEqual(before)
  expect(hasTimer).toBe(false)
})

test.concurrent('a failed generation leaves no rejection behind', async () => {
  const { code, stdout, stderr } = await inChild(async ({ index }) => {
    const Tiercel = require(index)
    process.on('unhandledRejection', () => process.exit(9))
    const failing = () =>
      new ReadableStream({ start: (controller) => controller.error(new Error('secret')) })
    Tiercel.set('a', Promise.reject(new Error('secret')))
    Tiercel.set('b', Promise.resolve({ value: failing(), tags: [], timestamp: 1 }))
    Tiercel.set('c', new Promise((_, reject) => setTimeout(reject, 2_300, new Error('secret'))))
    await Promise.all(['a', 'b', 'c'].map((key) => Tiercel.get(key, [])))
    await new Promise((wake) => setTimeout(wake, 300))
  })
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' })
})

test.concurrent('edge bundles get a cache that holds nothing', async () => {
  const { answer, code } = await inChild(
    async ({ index }) => {
      const Edge = require(index)
      const edge = new Edge({})
      await edge.set('key', { kind: 'FETCH', data: {} }, {})
      await Edge.set(
        'key',
        Promise.reject(new Error('nobody reads it')).catch(() => {}),
      )
      await Promise.all([edge.revalidateTag('a'), Edge.updateTags(['a']), Edge.refreshTags()])
      edge.resetRequestCache()
      const answers = [
        await edge.get('key', { kind: 'FETCH' }),
        (await Edge.get('key', [])) === undefined,
      ]
      const hasAddon = Object.keys(require.cache).some((path) => path.endsWith('.node'))
      return [
        ...answers,
        String(await Edge.getExpiration([])),
        Edge.configure({}) === Edge,
        hasAddon,
      ]
    },
    { env: { NEXT_RUNTIME: 'edge' } },
  )
  expect(code).toBe(0)
  expect(answer).toEqual([null, true, 'Infinity', true, false])
})

test('the edge class has every method of the real one', () => {
  const require = createRequire(import.meta.url)
  const [Real, Edge] = [require(index), require('../../js/edge.js')]
  const methods = (of) =>
    Object.getOwnPropertyNames(of).filter((name) => typeof of[name] === 'function')
  expect(methods(Edge).sort()).toEqual(methods(Real).sort())
  expect(methods(Edge.prototype).sort()).toEqual(methods(Real.prototype).sort())
})

test.concurrent('a Node.js that is too old is named', async () => {
  const { code, stderr } = await inChild(({ index }) => {
    delete process.getBuiltinModule
    require(index)
  })
  expect(code).toBe(1)
  expect(stderr).toContain('tiercel needs Node.js 20.16 or newer')
  expect(stderr).toContain(process.version)
})

test.each([
  ['freebsd-x64', 'there is no build for freebsd-x64'],
  ['win32-x64-msvc', '-win32-x64-msvc is not installed'],
])('without a binary the platform and the ways out are named: %s', async (platform, what) => {
  const { load } = createRequire(import.meta.url)(loader)
  const failure = (() => {
    try {
      return load(platform)
    } catch (error) {
      return error
    }
  })()
  expect(failure.code).toBe('TIERCEL_NO_BINARY')
  expect(failure.message).toContain(what)
  expect(failure.message).toContain(process.version)
  for (const way of ['--include=optional', '--os, --cpu and --libc', 'npm run build']) {
    expect(failure.message).toContain(way)
  }
})

test.concurrent('the platform is found out without a look at the network', async () => {
  const { answer } = await inChild(
    ({ loader }) => {
      const { report } = process
      const { getReport, excludeNetwork } = report
      const seen = []
      report.getReport = () => {
        seen.push(report.excludeNetwork)
        return getReport.call(report)
      }
      const { platform } = require(loader)
      const own = platform()
      const cheap = seen.splice(0)
      // As where the file of Node.js cannot be read.
      process.execPath = '/nowhere'
      const isSame = platform() === own
      return { cheap, seen, isSame, isRestored: report.excludeNetwork === excludeNetwork }
    },
    { given: { loader } },
  )
  const seen = process.platform === 'linux' ? [true] : []
  expect(answer).toEqual({ cheap: [], seen, isSame: true, isRestored: true })
})

test.concurrent.runIf(process.platform === 'linux')(
  'the C library is the one that Node.js was linked with',
  async (test) => {
    const dir = directory(test)
    write(dir, {
      musl: 'ELF\0/lib/ld-musl-x86_64.so.1\0',
      gnu: 'ELF\0/lib64/ld-linux-x86-64.so.2\0',
    })
    const { answer } = await inChild(
      ({ loader, dir }) => {
        const { platform } = require(loader)
        return ['musl', 'gnu'].map((name) => {
          process.execPath = `${dir}/${name}`
          return platform().split('-').at(-1)
        })
      },
      { given: { loader, dir } },
    )
    expect(answer).toEqual(['musl', 'gnu'])
  },
)

test.concurrent('loading it loads nothing of Node.js that takes long, and that it may not need', async () => {
  const { answer } = await inChild(({ index }) => {
    const before = new Set(process.moduleLoadList)
    require(index)
    return process.moduleLoadList.filter((name) => !before.has(name))
  })
  expect(answer).toContain('NativeModule worker_threads')
  for (const slow of ['crypto', 'fs/promises', 'internal/process/report', 'http', 'net']) {
    expect(answer).not.toContain(`NativeModule ${slow}`)
  }
})

test.concurrent('a binary that does not load says so, and why', async (test) => {
  const dir = directory(test)
  copy(dir, { withAddon: false })
  const { platform } = createRequire(import.meta.url)(loader)
  write(dir, { [`tiercel.${platform()}.node`]: 'not a library' })
  const given = { copied: join(dir, 'js', 'loader.js') }
  const { answer } = await inChild(
    ({ copied }) => {
      try {
        return require(copied).load()
      } catch ({ code, message, cause }) {
        return { code, message, hasCause: cause instanceof Error }
      }
    },
    { given },
  )
  expect(answer).toMatchObject({ code: 'TIERCEL_NO_BINARY', hasCause: true })
  expect(answer.message).toContain('its addon does not load')
})
