// @ts-check
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { start } from '../../tools/redis/servers.mjs'
import { appOf, instancesOf } from '../redis/command.mjs'
import { served } from '../redis/dashboard.mjs'
import { fetched, ofFetch, setFetch } from '../unit/support.mjs'
import { findChromium, freePort, launch } from './chromium.mjs'
import { cutTexts } from './overflow.mjs'

// The dashboard as somebody uses it, on a real fleet.

const skipped = process.env.TIERCEL_SKIP_BROWSER === '1'
const promise = skipped ? it.skip : it
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const TOKEN = 'of the browser'
const HOSTILE = '"><img src=x onerror=document.title=1>'
/** Where the screenshots go, if somebody wants to look at them. */
const SHOTS = process.env.TIERCEL_SHOTS

/** What the tests leave behind. @type {(() => unknown)[]} */
const ends = []
const suite = { onTestFinished: (/** @type {() => unknown} */ end) => ends.push(end) }
/** @type {any} */
let app
/** @type {any} */
let dashboard
/** @type {any} */
let instance
/** @type {import('playwright-core').Browser} */
let browser
let port = 0

describe('the dashboard in a browser', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    if (skipped) return
    browser = await launch(findChromium())
    const server = await start('single')
    ends.push(() => server.stop())
    app = appOf(suite, server.url)
    app.env.TIERCEL_DASHBOARD_TOKEN = TOKEN
    const instances = await instancesOf(suite, app, 1, { TIERCEL_SNAPSHOT_SECONDS: '1' })
    instance = instances[0]
    await fill()
    // A minute that is over.
    const minute = Math.floor(Date.now() / 60_000) - 1
    const counted = { 'fetch.fresh': 90, 'fetch.misses': 10, 'fetch.t6': 90, 'redis.t9': 20 }
    await server.command('SET', `{${app.namespace}}:c:${minute}`, JSON.stringify(counted))
    port = await freePort()
    dashboard = await served(suite, app, ['--port', String(port)])
  }, 120_000)

  afterAll(async () => {
    await browser?.close()
    for (const end of ends.reverse()) await end()
  }, 60_000)

  for (const width of [390, 1280, 1920]) {
    promise(`every control works at ${width} px, light and dark`, async () => {
      const { page, errors, close } = await opened(width)
      await use(page)
      for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
        await page.emulateMedia({ colorScheme })
        await sound(page)
        if (!SHOTS) continue
        const path = join(SHOTS, `dashboard-${width}-${colorScheme}.png`)
        await page.screenshot({ path, fullPage: true })
      }
      await page.getByRole('button', { name: 'Leave' }).click()
      await page.getByLabel('Token').waitFor()
      expect(errors).toEqual([])
      await close()
    })
  }

  promise('it is alive again after a restart of its server', async () => {
    const { page, close } = await opened(1280)
    await dashboard.stop()
    await page.getByText('reconnecting').waitFor()
    const before = await page.locator('#instances + .frame tbody tr').count()
    expect(before).toBe(1)
    dashboard = await served(suite, app, ['--port', String(port)])
    await page.getByText('live', { exact: true }).waitFor({ timeout: 30_000 })
    await instance.run(({ Tiercel }) => Tiercel.updateTags(['after the restart']))
    await page.getByRole('cell', { name: 'after the restart' }).waitFor()
    // With another token nobody is in any more.
    await dashboard.stop()
    const env = { ...app.env, TIERCEL_DASHBOARD_TOKEN: 'another' }
    const other = await served(suite, { ...app, env }, ['--port', String(port)])
    await page.getByLabel('Token').waitFor({ timeout: 30_000 })
    await other.stop()
    dashboard = await served(suite, app, ['--port', String(port)])
    await close()
  })

  promise('what somebody is at stays where it is while figures change', async () => {
    const { page, close } = await opened(1280, watchStream)
    await fill()
    const keys = page.locator('section', { has: page.locator('#busiest-keys') })
    const one = keys.getByRole('button', { name: 'post-1' })
    const tags = page.locator('section', { has: page.locator('#busiest-tags') })
    const kind = page.getByRole('checkbox', { name: 'fetch' })
    await keys.getByRole('button').nth(1).waitFor()
    for (const control of [one, tags.getByRole('button', { name: 'posts' }), kind]) {
      await control.focus()
      const held = await page.evaluateHandle(() => document.activeElement)
      for (let n = 0; n < 2; n++) {
        await change(page)
        expect(await held.evaluate((element) => element === document.activeElement)).toBe(true)
      }
    }
    const why = page.locator('#why-name')
    await why.fill('')
    await one.hover()
    await page.mouse.down()
    await one.evaluate((element) => element.blur())
    for (let n = 0; n < 2; n++) await change(page, false)
    await page.mouse.up()
    await vi.waitFor(async () => expect(await why.inputValue()).toBe('post-1'))
    await close()
  })

  promise('it says so when it is not shown', async () => {
    const { page, close } = await opened(1280)
    await page.route('**/events', (route) =>
      route.fulfill({ status: 503, contentType: 'text/plain', body: 'Too many viewers\n' }),
    )
    await dashboard.stop()
    dashboard = await served(suite, app, ['--port', String(port)])
    await page.getByText('full', { exact: true }).waitFor({ timeout: 30_000 })
    await page.getByText('As many look at once as may.').waitFor()
    await sound(page)
    await close()
  })
})

/** Gets, and an entry whose names are no HTML. */
async function fill() {
  for (const key of ['post-1', HOSTILE]) {
    await instance.get('FETCH', key, ofFetch(['posts', HOSTILE]))
    await instance.set(key, fetched('x'), setFetch(['posts', HOSTILE]))
    for (let n = 0; n < 5; n++) await instance.get('FETCH', key, ofFetch(['posts', HOSTILE]))
  }
}

/** Lets a test tell figures, and none but its own once it has told some. */
function watchStream() {
  const own = /** @type {any} */ (globalThis)
  own.told = {}
  own.EventSource = class extends EventSource {
    /** @param {string} address */
    constructor(address) {
      super(address)
      own.stream = this
      const keep = (/** @type {MessageEvent} */ { data }) =>
        Object.assign(own.told, JSON.parse(data))
      this.addEventListener('figures', keep)
    }
  }
}

/** Other figures. @param {import('playwright-core').Page} page @param {boolean} [isTurned] in another order */
const change = (page, isTurned = true) =>
  page.evaluate((isTurned) => {
    const own = /** @type {any} */ (globalThis)
    const { told, stream } = own
    own.isStill = true
    const { busiest, series } = told
    const others = (/** @type {any[]} */ list) => {
      const all = list.map((one) => ({ ...one, perSec: one.perSec + 1 }))
      return isTurned ? all.reverse() : all
    }
    const [keys, tags, slow] = [others(busiest.keys), others(busiest.tags), others(busiest.slow)]
    const kinds = Object.entries(series.kinds).map(([kind, of]) => [
      kind,
      { ...of, hits: of.hits.map((/** @type {number | null} */ n) => (n ?? 0) + 1) },
    ])
    const sections = {
      busiest: { keys, tags, slow },
      series: { ...series, kinds: Object.fromEntries(kinds) },
    }
    stream.dispatchEvent(new MessageEvent('figures', { data: JSON.stringify(sections) }))
  }, isTurned)

/** The page, for somebody who has typed the token. @param {number} width @param {() => void} [first] */
async function opened(width, first) {
  const viewport = { width, height: 900 }
  const context = await browser.newContext({ viewport, colorScheme: 'light' })
  const page = await context.newPage()
  if (first) await page.addInitScript(first)
  /** @type {string[]} */
  const errors = []
  page.on('pageerror', ({ message }) => errors.push(message))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  await page.goto(dashboard.url)
  expect(await violations(page)).toEqual([])
  await page.getByLabel('Token').fill(TOKEN)
  await page.keyboard.press('Enter')
  await page.locator('body[data-ready]').waitFor()
  await page.getByText('live', { exact: true }).waitFor()
  await page.getByRole('cell', { name: 'connected' }).waitFor()
  await page.getByRole('checkbox', { name: 'fetch' }).waitFor()
  return { page, errors, close: () => context.close() }
}

/** Each control once. @param {import('playwright-core').Page} page */
async function use(page) {
  await page.keyboard.press('Tab')
  const themes = []
  const theme = page.locator('#theme')
  for (let n = 0; n < 3; n++) {
    await theme.click()
    themes.push(await page.evaluate(() => document.documentElement.dataset.theme))
  }
  expect(themes).toEqual(['light', 'dark', undefined])

  const why = page.locator('section', { has: page.locator('#why-head') })
  await page.locator('#why-name').fill('/never')
  await page.locator('#why-name').press('Enter')
  await why.getByText('miss', { exact: true }).waitFor()
  await why.getByRole('radio', { name: 'Tag' }).check()
  await page.locator('#why-name').fill('nobody has this')
  await why.getByRole('button').click()
  await why.getByText('never', { exact: true }).waitFor()
  await fill()
  // Hostile names are text, and ask as they are.
  await page.getByRole('button', { name: HOSTILE }).first().click()
  await why.getByText('fresh', { exact: true }).waitFor()
  expect(await page.locator('img').count()).toBe(0)

  const purge = page.locator('section', { has: page.locator('#purge-head') })
  for (const [what, name] of [
    ['Path', '/blog'],
    ['Key', 'post-1'],
    ['Tag', 'posts'],
  ]) {
    await purge.getByRole('radio', { name: what }).check()
    await page.locator('#purge-name').fill(name)
    await purge.getByRole('button', { name: 'Dry run' }).click()
    await purge.getByText(/would hit \d+ entr/).waitFor()
  }
  await purge.getByRole('button', { name: 'Cancel' }).click()
  await purge.getByText('Nothing is changed before you confirm').waitFor()
  await purge.getByLabel(/^soft/).check()
  await purge.getByRole('button', { name: 'Dry run' }).click()
  await purge.getByRole('button', { name: 'Purge tag posts' }).click()
  await purge.getByText('in effect everywhere').waitFor()
  await purge.getByText(/1 of 1 instance acknowledged in/).waitFor()

  const kind = page.getByRole('checkbox', { name: 'fetch' })
  await kind.uncheck()
  await kind.check()
  await page.locator('.plot').first().hover()
}

/** Everybody can use it, and nothing is cut. @param {import('playwright-core').Page} page */
async function sound(page) {
  expect(await violations(page)).toEqual([])
  // Names end in an ellipsis where they are long, and tables of a phone scroll.
  const texts = await cutTexts(page)
  const isMeant = /out of (TD|BUTTON name|P readout)|^INPUT/
  expect(texts.filter((one) => !isMeant.test(one))).toEqual([])
  const beside = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  expect(beside).toBeLessThanOrEqual(0)
}

/** What axe finds. @param {import('playwright-core').Page} page */
async function violations(page) {
  await page.evaluate(axe)
  const found = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run())
  return found.violations.map((/** @type {any} */ { id, nodes }) => [
    id,
    ...nodes.map((/** @type {any} */ node) => `${node.target}: ${node.failureSummary}`),
  ])
}
