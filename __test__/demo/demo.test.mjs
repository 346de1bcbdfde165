// @ts-check
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { demo, startDemo } from '../../scripts/demo/app.mjs'
import { prepareDemo } from '../../scripts/demo/prepare.mjs'
import { findChromium, freePort, launch } from './chromium.mjs'
import { cutTexts, WIDTHS } from './overflow.mjs'
import { Visit, WAIT_MS } from './visit.mjs'

const PAGES = [
  '/',
  '/use-cache',
  '/remote',
  '/update-tag',
  '/revalidate-tag',
  '/revalidate-path',
  '/route-handler',
  '/fetch',
  '/unstable-cache',
  '/isr',
  '/image',
  '/products',
  '/login',
  '/rate-limit',
  '/views',
]
const BUILD_MS = 15 * 60_000
const LOCK = join(demo, 'package-lock.json')

const skipped = process.env.TIERCEL_SKIP_BROWSER === '1'
const promise = skipped ? it.skip : it

let isLockAsBefore = false
/** @type {Awaited<ReturnType<typeof startDemo>>} */
let server
/** @type {import('playwright-core').Browser} */
let browser
/** @type {import('playwright-core').Page} */
let page
/** @type {Visit} */
let visit
/** @type {string[]} */
let errors = []

describe('the demo in a browser', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    if (skipped) return
    const executablePath = findChromium()
    const locked = readFileSync(LOCK)
    await prepareDemo({ log: () => {} })
    isLockAsBefore = readFileSync(LOCK).equals(locked)
    server = await startDemo({ port: await freePort() })
    browser = await launch(executablePath)
  }, BUILD_MS)

  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  }, 30_000)

  beforeEach(async () => {
    if (skipped) return
    page = await browser.newPage()
    visit = new Visit(page, server.url)
    errors = []
    page.on('pageerror', (error) => errors.push(`${page.url()}: ${error.message}`))
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(`${page.url()}: ${message.text()}`)
    })
  })

  afterEach(async () => {
    if (skipped) return
    await page.close()
    expect(errors).toEqual([])
  })

  promise('to build the demo changes no lock file', () => {
    expect(isLockAsBefore).toBe(true)
  })

  promise('the first request for a page is answered from the output of next build', async () => {
    await visit.open('/revalidate-path')
    const hit = page.locator('[data-decision="get APP_PAGE fresh"][data-tier=prerendered]')
    await hit.first().waitFor({ timeout: WAIT_MS })
    expect(await visit.answer('notice')).toMatchObject({ generation: 0, source: 'cache' })
  })

  for (const path of PAGES) {
    promise(
      `${path} loads without an error, with its title and its place in the navigation`,
      async () => {
        const response = await page.goto(server.url + path)
        expect(response?.status()).toBe(200)
        await expect.poll(() => page.locator('h1').count(), { timeout: WAIT_MS }).toBe(1)
        expect(await page.title()).toMatch(/Tiercel demo$/)
        expect(await page.locator('nav a[aria-current=page]').getAttribute('href')).toBe(path)
        // The list of decisions proves that the scripts of the page run.
        await page.locator('.decision').first().waitFor({ timeout: WAIT_MS })
        expect(await page.locator('.live').textContent()).toBe('Live')
      },
    )
  }

  promise('no text of any page is cut or sticks out, on no width of screen', async () => {
    for (const path of PAGES) {
      await visit.open(path)
      await page.locator('.decision').first().waitFor({ timeout: WAIT_MS })
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 })
        expect(await cutTexts(page), `${path} at ${width} px`).toEqual([])
      }
    }
  })

  for (const [path, name] of [
    ['/use-cache', 'report'],
    ['/remote', 'rate-EUR'],
    ['/update-tag', 'price'],
    ['/revalidate-tag', 'headline'],
    ['/revalidate-path', 'notice'],
    ['/fetch', 'origin'],
    ['/unstable-cache', 'ranking'],
    ['/products', 'stock'],
  ]) {
    promise(`${path} keeps its cached value over reloads`, async () => {
      await visit.open(path)
      const first = await visit.answer(name)
      for (let turn = 0; turn < 3; turn++) {
        await page.reload()
        const again = await visit.answer(name)
        expect(again.seed).toBe(first.seed)
        expect(again.source).toBe('cache')
      }
    })
  }

  promise('invalidating an outer cached function keeps the inner entry', async () => {
    await visit.open('/use-cache')
    const [report, measurement] = [await visit.answer('report'), await visit.answer('measurement')]
    await visit.press("updateTag('report')")
    const changed = await visit.newAnswer('report', report)
    expect(changed.source).toBe('generated')
    expect((await visit.answer('measurement')).seed).toBe(measurement.seed)
  })

  promise('invalidating an inner cached function takes the outer entry with it', async () => {
    await visit.open('/use-cache')
    const [report, measurement] = [await visit.answer('report'), await visit.answer('measurement')]
    await visit.press("updateTag('measurement')")
    await visit.newAnswer('measurement', measurement)
    await visit.newAnswer('report', report)
  })

  promise('an entry past its revalidate duration is served once more, then replaced', async () => {
    await visit.open('/use-cache')
    const tide = await visit.answer('tide')
    await expect.poll(() => Date.now() - tide.at, { timeout: 20_000 }).toBeGreaterThan(10_500)
    await page.reload()
    const stale = await visit.answer('tide')
    expect(stale.seed).toBe(tide.seed)
    expect(stale.source).toBe('stale')
    expect((await visit.newAnswerAfterReloads('tide', tide)).source).toBe('cache')
  })

  promise('a remote entry is kept for each argument by itself', async () => {
    await visit.open('/remote')
    const [euro, yen] = [await visit.answer('rate-EUR'), await visit.answer('rate-JPY')]
    await visit.press("updateTag('rate-EUR')")
    await visit.newAnswer('rate-EUR', euro)
    expect((await visit.answer('rate-JPY')).seed).toBe(yen.seed)
  })

  promise('updateTag shows the new value at once, generated once', async () => {
    await visit.open('/update-tag')
    const [before, guests] = [await visit.answer('price'), await visit.answer('guests')]
    await page.getByLabel('New price').fill('777')
    await page.getByRole('button', { name: 'Save the price' }).click()

    const written = await visit.newAnswer('price', before)
    expect(written.value).toContain('777')
    expect(written.source).toBe('generated')
    expect(written.generation).toBe(before.generation + 1)

    await page.reload()
    const reloaded = await visit.answer('price')
    expect(reloaded.seed).toBe(written.seed)
    expect(reloaded.source).toBe('cache')
    expect((await visit.answer('guests')).seed).toBe(guests.seed)
  })

  promise('the guest book shows a new name at once and keeps it', async () => {
    await visit.open('/update-tag')
    const before = await visit.answer('guests')
    await page.getByLabel('Your name').fill('Ada <b>')
    await page.getByRole('button', { name: 'Sign the guest book' }).click()
    const written = await visit.newAnswer('guests', before)
    expect(written.value).toContain('Ada <b>')
    await page.reload()
    expect((await visit.answer('guests')).seed).toBe(written.seed)
  })

  for (const [path, name, tag] of [
    ['/revalidate-tag', 'headline', 'headline'],
    ['/fetch', 'origin', 'origin'],
    ['/unstable-cache', 'ranking', 'ranking'],
  ]) {
    promise(
      `revalidateTag('${tag}', 'max') serves the old value once, then the new one`,
      async () => {
        await visit.open(path)
        const before = await visit.settled(name)
        await visit.press(`revalidateTag('${tag}', 'max')`)
        await page.getByText('The entry is stale. Reload twice.').waitFor({ timeout: WAIT_MS })
        expect((await visit.answer(name)).seed).toBe(before.seed)

        await page.reload()
        const stale = await visit.answer(name)
        expect(stale.seed).toBe(before.seed)
        expect(stale.source).toBe('stale')

        const after = await visit.newAnswerAfterReloads(name, before)
        expect(after.source).toBe('cache')
        expect(after.generation).toBe(before.generation + 1)
      },
    )

    promise(`revalidateTag('${tag}', { expire: 0 }) shows a new value at once`, async () => {
      await visit.open(path)
      const before = await visit.answer(name)
      await visit.press(`revalidateTag('${tag}', { expire: 0 })`)
      expect((await visit.newAnswer(name, before)).source).toBe('generated')
      await visit.settled(name)
    })
  }

  promise('revalidatePath replaces a prerendered page', async () => {
    await visit.open('/revalidate-path')
    const before = await visit.answer('notice')
    await visit.press("revalidatePath('/revalidate-path')")
    await visit.newAnswer('notice', before)
    expect((await visit.settled('notice')).seed).not.toBe(before.seed)
  })

  promise(
    'a cached route handler answers from the cache until its tag or path is invalidated',
    async () => {
      await visit.open('/route-handler')
      await expect
        .poll(() => visit.callRoute(), { timeout: WAIT_MS })
        .toMatchObject({ header: 'HIT' })

      for (const [button, done] of [
        ["updateTag('quote')", 'The tag was invalidated. Call again.'],
        ["revalidatePath('/api/quote')", 'The path was invalidated. Call again.'],
      ]) {
        const before = await visit.callRoute()
        await visit.press(button)
        await page.getByText(done).waitFor({ timeout: WAIT_MS })
        const after = await visit.callRoute()
        expect(after.seed, button).not.toBe(before.seed)
        expect(await visit.callRoute()).toEqual({ header: 'HIT', seed: after.seed })
      }
    },
  )

  promise('a stale route response is served once, then replaced', async () => {
    await visit.open('/route-handler')
    await expect
      .poll(() => visit.callRoute(), { timeout: WAIT_MS })
      .toMatchObject({ header: 'HIT' })
    const before = await visit.callRoute()
    await visit.press("revalidateTag('quote', 'max')")
    await page.getByText('The response is stale. Call twice.').waitFor({ timeout: WAIT_MS })
    expect(await visit.callRoute()).toEqual({ header: 'STALE', seed: before.seed })
    await expect
      .poll(async () => (await visit.callRoute()).seed, { timeout: WAIT_MS })
      .not.toBe(before.seed)
  })

  promise(
    'twenty simultaneous requests for a missing fetch entry call the origin once',
    async () => {
      await visit.open('/fetch')
      await visit.press('20 requests at once')
      const result = page.locator('[data-origin-calls]')
      await result.waitFor({ timeout: WAIT_MS })
      expect(await result.getAttribute('data-origin-calls')).toBe('1')
    },
  )

  promise(
    'a Pages Router page is served from the cache and replaced by res.revalidate',
    async () => {
      await visit.open('/isr')
      await visit.press("res.revalidate('/isr')")
      await page.getByText('The page was generated again. Reload.').waitFor({ timeout: WAIT_MS })
      await page.reload()
      const before = await visit.answer('isr')
      await page.reload()
      expect(await visit.answer('isr')).toMatchObject({ seed: before.seed, source: 'cache' })

      await visit.press("res.revalidate('/isr')")
      await page.getByText('The page was generated again. Reload.').waitFor({ timeout: WAIT_MS })
      await page.reload()
      expect(await visit.answer('isr')).toMatchObject({
        generation: before.generation + 1,
        source: 'cache',
      })
    },
  )

  promise('an image is resized once for each variant', async () => {
    await visit.open('/image')
    await expect
      .poll(
        () =>
          page
            .locator('#photo')
            .evaluate((image) => /** @type {HTMLImageElement} */ (image).naturalWidth),
        { timeout: WAIT_MS },
      )
      .toBeGreaterThan(300)
    const header = page.locator('[data-header=x-nextjs-cache]')
    await header.waitFor({ timeout: WAIT_MS })

    await page.getByLabel('90').check()
    await expect.poll(() => header.textContent(), { timeout: WAIT_MS }).toBe('MISS')
    await page.getByRole('button', { name: 'Ask again' }).click()
    await expect.poll(() => header.textContent(), { timeout: WAIT_MS }).toBe('HIT')
    await page.getByLabel('75').check()
    await expect
      .poll(
        () =>
          page
            .locator('#photo')
            .evaluate((image) => /** @type {HTMLImageElement} */ (image).currentSrc),
        { timeout: WAIT_MS },
      )
      .toContain('q=75')
    expect(await header.textContent()).toBe('HIT')
  })

  promise(
    'the list of decisions shows the hits, misses and invalidations of this visit',
    async () => {
      await visit.open('/update-tag')
      await page.reload()
      await page
        .locator('[data-decision="get USE_CACHE fresh"]:not(.past)')
        .first()
        .waitFor({ timeout: WAIT_MS })
      await visit.press("updateTag('price')")
      await page
        .locator('[data-decision^="invalidate"][data-decision$="hard"]')
        .first()
        .waitFor({ timeout: WAIT_MS })
      await page
        .locator('[data-decision="set USE_CACHE stored"]')
        .first()
        .waitFor({ timeout: WAIT_MS })
    },
  )

  promise('a page says why its answer is the one it is', async () => {
    await visit.open('/update-tag')
    const before = await visit.settled('price')
    await page.locator('[data-why=fresh]').first().waitFor({ timeout: WAIT_MS })
    await visit.press("updateTag('price')")
    await visit.newAnswer('price', before)
    const reason = page.locator('[data-why=miss]', { hasText: 'tag price' })
    await reason.waitFor({ timeout: WAIT_MS })
    expect(await reason.textContent()).toContain('so it was generated')
  })

  promise('a client navigation shows the same cached value as a document request', async () => {
    await visit.open('/use-cache')
    const first = await visit.answer('report')
    await visit.open('/')
    await page.locator('.card[href="/use-cache"]').click()
    await page.waitForURL('**/use-cache')
    expect(await visit.answer('report')).toMatchObject({ seed: first.seed, source: 'cache' })
  })

  promise('the overview shows the counters of the engine', async () => {
    await visit.open('/')
    const values = page.locator('[data-stat]')
    await values.first().waitFor({ timeout: WAIT_MS })
    const numbers = (await values.allTextContents()).map((text) =>
      Number.parseFloat(text.replaceAll(',', '')),
    )
    expect(numbers.some((value) => value > 0)).toBe(true)
  })
})
