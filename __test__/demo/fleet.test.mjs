// @ts-check
import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prepareDemo } from '../../scripts/demo/prepare.mjs'
import { root } from '../../tools/run.mjs'
import { findChromium, freePort, launch } from './chromium.mjs'
import { cutTexts, WIDTHS } from './overflow.mjs'
import { Visit, WAIT_MS } from './visit.mjs'

const BUILD_MS = 15 * 60_000
const INSTANCES = 3

const skipped = process.env.TIERCEL_SKIP_BROWSER === '1'
const promise = skipped ? it.skip : it

/** @type {Awaited<ReturnType<typeof startFleet>>} */
let fleet
/** @type {import('playwright-core').Browser} */
let browser

describe('the demo as a fleet, in a browser', () => {
  beforeAll(async () => {
    if (skipped) return
    const executablePath = findChromium()
    await prepareDemo({ log: () => {} })
    fleet = await startFleet()
    browser = await launch(executablePath)
  }, BUILD_MS)

  afterAll(async () => {
    await browser?.close()
    await fleet?.stop()
  }, 30_000)

  promise(
    'one address takes the instances in turns, and the page says whose turn it was',
    async () => {
      const visit = new Visit(await browser.newPage(), fleet.url)
      const seen = new Set()
      for (let turn = 0; turn < INSTANCES; turn++) {
        const response = await visit.open('/use-cache')
        const place = response?.headers()['x-demo-instance'] ?? ''
        const shown = visit.page.locator('[data-fleet]')
        await shown.waitFor({ timeout: WAIT_MS })
        expect(place).toBe(`${await shown.getAttribute('data-fleet')} of ${INSTANCES}`)
        seen.add(place)
      }
      expect(seen.size).toBe(INSTANCES)
    },
  )

  promise('a price saved through one address is the price of every instance', async () => {
    const visit = new Visit(await browser.newPage(), fleet.url)
    await visit.open('/update-tag')
    const before = await visit.answer('price')
    await visit.page.getByLabel('New price').fill('555')
    await visit.page.getByRole('button', { name: 'Save the price' }).click()
    const written = await visit.newAnswer('price', before)
    expect(written.value).toContain('555')
    for (const url of fleet.instances) {
      const other = new Visit(await browser.newPage(), url)
      await other.open('/update-tag')
      expect((await other.answer('price')).value).toContain('555')
    }
  })

  promise('a page at one instance shows what a button pressed at another did', async () => {
    const [one, two] = fleet.instances
    const watching = new Visit(await browser.newPage(), two)
    await watching.open('/remote')
    await watching.page.locator('.decision').first().waitFor({ timeout: WAIT_MS })
    const pressing = new Visit(await browser.newPage(), one)
    await pressing.open('/remote')
    const before = await pressing.answer('rate-EUR')
    await pressing.press("updateTag('rate-EUR')")
    const after = await pressing.newAnswer('rate-EUR', before)

    const cells = watching.page.locator('[data-answered=rate-EUR]')
    const seeds = () =>
      cells.evaluateAll((all) => all.map((cell) => cell.getAttribute('data-seed')))
    await expect
      .poll(seeds, { timeout: WAIT_MS })
      .toEqual(Array.from({ length: INSTANCES }, () => after.seed))
  })

  promise('the counters of a fleet fit on every width of screen', async () => {
    const { page } = await newVisit('/')
    await page.locator('[data-stat="shared namespace"]').waitFor({ timeout: WAIT_MS })
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 })
      expect(await cutTexts(page), `${width} px`).toEqual([])
    }
  })

  promise('a code logs in once, and the session is one of every instance', async () => {
    const visit = await newVisit('/login')
    const code = await visit.askForCode('ada@example.com')
    await visit.typeCode(code === '000000' ? '000001' : '000000')
    await visit.page.getByText('Attempts left: 2.').waitFor({ timeout: WAIT_MS })
    await visit.typeCode(code)
    await visit.page.locator('[data-session=this]').waitFor({ timeout: WAIT_MS })
    for (const url of fleet.instances) {
      await visit.page.goto(`${url}/login`)
      await visit.page.getByText('Sessions of ada@example.com').waitFor({ timeout: WAIT_MS })
      for (const width of WIDTHS) {
        await visit.page.setViewportSize({ width, height: 800 })
        expect(await cutTexts(visit.page), `${width} px`).toEqual([])
      }
    }
  })

  promise('who logs out elsewhere ends the sessions at every instance', async () => {
    const [one, two] = [await newVisit('/login'), await newVisit('/login')]
    for (const visit of [one, two]) {
      await visit.typeCode(await visit.askForCode('grace@example.com'))
      await visit.page.locator('[data-session=this]').waitFor({ timeout: WAIT_MS })
    }
    await one.page.reload()
    await expect
      .poll(() => one.page.locator('[data-session]').count(), { timeout: WAIT_MS })
      .toBe(2)
    await one.press('logins.rotate(id)')
    await one.page.getByText('The session has a new id.').waitFor({ timeout: WAIT_MS })
    await one.press('logins.destroyAll(userId, { except: id })')
    await one.page.getByText('The other sessions are over.').waitFor({ timeout: WAIT_MS })
    await expect
      .poll(() => one.page.locator('[data-session]').count(), { timeout: WAIT_MS })
      .toBe(1)
    for (const url of fleet.instances) {
      await two.page.goto(`${url}/login`)
      await two.page.getByLabel('Your address').waitFor({ timeout: WAIT_MS })
    }
    await one.press('logins.destroy(id)')
    await one.page.getByLabel('Your address').waitFor({ timeout: WAIT_MS })
  })

  promise('thirty requests at once spend one budget of ten, whoever answers', async () => {
    const { page } = await newVisit('/rate-limit')
    const left = () => page.locator('.budget').getAttribute('data-remaining')
    await page.getByRole('button', { name: 'search.reset(id)' }).click()
    await expect.poll(left, { timeout: WAIT_MS }).toBe('10')
    await page.getByRole('button', { name: 'GET /api/search' }).click()
    await expect.poll(left, { timeout: WAIT_MS }).toBe('9')
    await page.getByRole('button', { name: '30 requests at once' }).click()
    await page.getByText('9 admitted, 21 refused').waitFor({ timeout: WAIT_MS })
    expect(await left()).toBe('0')
    expect(await page.locator('.budget').textContent()).toContain('Retry-After')
    expect(await cutTexts(page)).toEqual([])
  })

  for (const call of ["updateTag('products')", "cache.invalidateTags('products')"]) {
    promise(`${call} ends the list of Next.js and the app's own stock everywhere`, async () => {
      const visit = await newVisit('/products')
      const [list, stock] = [await visit.answer('list'), await visit.answer('stock')]
      await visit.press(call)
      const [newList, newStock] = [
        await visit.newAnswer('list', list),
        await visit.newAnswer('stock', stock),
      ]
      for (const url of fleet.instances) {
        await visit.page.goto(`${url}/products`)
        expect((await visit.answer('list')).seed).toBe(newList.seed)
        expect((await visit.answer('stock')).seed).toBe(newStock.seed)
      }
    })
  }

  promise('a view at one instance is seen live at another', async () => {
    const watching = await newVisit('/views')
    const row = watching.page.locator('[data-views="/isr"]')
    const other = await browser.newPage()
    for (let turn = 0; turn < 2 * INSTANCES; turn++) {
      await other.goto(`${fleet.instances[turn % INSTANCES]}/isr`)
    }
    await expect
      .poll(() => row.getAttribute('data-count').catch(() => null), { timeout: WAIT_MS })
      .toBe(String(2 * INSTANCES))
    expect(await cutTexts(watching.page)).toEqual([])
  })

  promise('the fleet stops as a whole', async () => {
    await fleet.stop()
    for (const url of [fleet.url, ...fleet.instances]) {
      await expect(fetch(url)).rejects.toThrow()
    }
  })
})

/** A browser without cookies, at the one address. @param {string} path */
async function newVisit(path) {
  const context = await browser.newContext()
  const visit = new Visit(await context.newPage(), fleet.url)
  await visit.open(path)
  return visit
}

/** The command that a visitor runs. It is told where to listen, and says where the instances are. */
async function startFleet() {
  const port = String(await freePort())
  const args = ['scripts/demo-fleet.mjs', '--no-build', '--port', port]
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const ended = new Promise((done) => child.once('close', done))
  const ready = new Promise((done) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk
        if (output.includes('Ctrl-C')) done(undefined)
      })
    }
  })
  await Promise.race([ready, ended])
  const instances = [...output.matchAll(/^ +\d +(http:\S+)$/gm)].map(([, url]) => url)
  if (instances.length !== INSTANCES) throw new Error(`the fleet did not start:\n${output}`)
  const stop = async () => {
    child.kill('SIGINT')
    await ended
  }
  return { url: `http://localhost:${port}`, instances, stop }
}
