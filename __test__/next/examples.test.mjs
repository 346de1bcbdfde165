import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { start } from '../../tools/redis/servers.mjs'
import {
  buildExample,
  installExamples,
  layOutImage,
  sources,
  startContainer,
  startExample,
} from './examples.mjs'

const APPS = ['minimal', 'pages-router', 'redis-compose']

beforeAll(() => installExamples(APPS))

/** What a page of any example says of its generation. */
const generatedIn = (reply) => /Generated (?:at|by) (?:<!-- -->)?[^<]+/.exec(reply.text)?.[0]

const yaml = (file) => readFile(path.join(sources, file), 'utf8')

describe('minimal', () => {
  let app

  beforeAll(async () => {
    await buildExample('minimal')
    app = await startExample('minimal', { TIERCEL_DEBUG: '1' })
  })
  afterAll(() => app?.stop())

  it('answers from the build, and then from memory', async () => {
    const first = await app.get('/')
    const second = await app.get('/')
    expect(first).toMatchObject({ status: 200, cache: 'HIT' })
    expect(second).toMatchObject({ status: 200, cache: 'HIT' })
    expect(generatedIn(first)).toMatch(/20\d\d-/)
    expect(generatedIn(second)).toBe(generatedIn(first))
    expect(app.log()).toMatch(
      /get APP_PAGE \S+ prerendered fresh[\s\S]+get APP_PAGE \S+ memory fresh/,
    )
  })
})

describe('pages-router', () => {
  let app

  beforeAll(async () => {
    await buildExample('pages-router')
    app = await startExample('pages-router')
  })
  afterAll(() => app?.stop())

  it('keeps what it generated, until it is revalidated on demand', async () => {
    const first = await app.get('/posts/first')
    const second = await app.get('/posts/first')
    expect([first.cache, second.cache]).toEqual(['MISS', 'HIT'])
    expect(generatedIn(first)).toMatch(/20\d\d-/)
    expect(generatedIn(second)).toBe(generatedIn(first))
    expect(await app.post('/api/revalidate?path=/posts/first')).toMatchObject({ status: 204 })
    const third = await app.get('/posts/first')
    expect(third.cache).toBe('HIT')
    expect(generatedIn(third)).toMatch(/20\d\d-/)
    expect(generatedIn(third)).not.toBe(generatedIn(first))
  })
})

describe('redis-compose and kubernetes', () => {
  let redis
  let image
  const fleet = []

  beforeAll(async () => {
    const { services } = parse(await yaml('redis-compose/compose.yaml'))
    redis = await start('single', { settings: settingsOf(services.redis.command) })
    await buildExample('redis-compose')
    image = await layOutImage('redis-compose')
    const count = services.app.deploy.replicas
    const env = { ...services.app.environment, REDIS_URL: redis.url }
    for (let n = 0; n < count; n++) fleet.push(await startContainer(image.app, env))
  })
  afterAll(async () => {
    await Promise.all(fleet.map((app) => app.stop()))
    await redis?.stop()
    await image?.remove()
  })

  it('every instance gets ready', async () => {
    expect(fleet.length).toBeGreaterThan(1)
    for (const app of fleet) {
      const reply = await app.get(await probedPath())
      expect(JSON.parse(reply.text)).toEqual({ ready: true, shared: 'connected' })
      expect(reply.status).toBe(200)
    }
  })

  it('one generates a page, and the others have it', async () => {
    const [first, ...others] = fleet
    const generated = await first.get('/products/1')
    expect(generated.cache).toBe('MISS')
    expect(generatedIn(generated)).toMatch(/20\d\d-/)
    for (const app of others) {
      const reply = await app.get('/products/1')
      expect(reply.cache).toBe('HIT')
      expect(generatedIn(reply)).toBe(generatedIn(generated))
    }
  })

  it('when an invalidation is answered, none shows what was before', async () => {
    const before = generatedIn(await fleet[0].get('/products/1'))
    expect(await fleet.at(-1).post('/api/restock')).toMatchObject({ status: 204 })
    const after = []
    for (const app of fleet) after.push(generatedIn(await app.get('/products/1')))
    expect(after[0]).toMatch(/20\d\d-/)
    expect(after).not.toContain(before)
    expect(new Set(after).size).toBe(1)
  })

  it('the command that warms an instance finds its pages', async () => {
    const command = (await container()).lifecycle.postStart.exec.command.at(-1)
    const here = command
      .replace(' warm ', ` warm --base ${fleet[0].base} `)
      .replace('--quiet || true', '--json')
    expect(here).not.toBe(command)
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', here], { cwd: image.app })
    expect(JSON.parse(stdout)).toMatchObject({ failed: 0, total: expect.toSatisfy((n) => n > 0) })
  })

  it('nothing was logged but where the entries are shared', () => {
    for (const app of fleet) {
      const lines = app.log().match(/^tiercel( \d[^:]*)?: .*/gm)
      expect(lines).toEqual([expect.stringMatching(/namespace tiercel-redis-compose:production/)])
      expect(app.log()).not.toMatch(/EACCES|EROFS|Error/)
    }
  })
})

/** `--name value` of a server's command line. */
function settingsOf(command) {
  const settings = {}
  for (let at = 0; at < command.length; at++) {
    if (command[at].startsWith('--')) settings[command[at].slice(2)] = command[at + 1]
  }
  return settings
}

/** The container of the app, as Kubernetes is told of it. */
async function container() {
  const manifests = parseAllDocuments(await yaml('kubernetes/app.yaml')).map((one) => one.toJS())
  const deployment = manifests.find(({ kind }) => kind === 'Deployment')
  return deployment.spec.template.spec.containers[0]
}

async function probedPath() {
  return (await container()).readinessProbe.httpGet.path
}
