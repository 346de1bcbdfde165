// @ts-check
import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prepareDemo } from '../../scripts/demo/prepare.mjs'
import { root } from '../../tools/run.mjs'
import { findChromium, freePort, launch } from './chromium.mjs'
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

  promise('the fleet stops as a whole', async () => {
    await fleet.stop()
    for (const url of [fleet.url, ...fleet.instances]) {
      await expect(fetch(url)).rejects.toThrow()
    }
  })
})

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
