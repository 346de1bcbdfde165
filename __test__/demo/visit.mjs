// @ts-check
import { expect } from 'vitest'

/** Longest wait for anything a page promises. */
export const WAIT_MS = 30_000

/** @typedef {{ seed: string | null }} Seen */

/** One tab that reads the demo as a visitor does. */
export class Visit {
  /** @param {import('playwright-core').Page} page @param {string} url */
  constructor(page, url) {
    this.page = page
    this.url = url
  }

  /** @param {string} path */
  open(path) {
    return this.page.goto(this.url + path)
  }

  /** @param {string} name the whole label of a button */
  press(name) {
    return this.page.getByRole('button', { name, exact: true }).click()
  }

  /**
   * What the page says about one cached value.
   * @param {string} name
   */
  async answer(name) {
    const element = this.page.locator(`[data-answer="${name}"]`)
    await element.locator('.source:not(.pending)').waitFor({ timeout: WAIT_MS })
    return element.evaluate((node) => ({
      generation: Number(node.getAttribute('data-generation')),
      seed: node.getAttribute('data-seed'),
      at: Number(node.getAttribute('data-at')),
      value: node.querySelector('.answer-value')?.textContent ?? '',
      source: node.querySelector('.source')?.className.replace('source ', ''),
    }))
  }

  /**
   * Waits until the page as it stands shows another generation.
   * @param {string} name
   * @param {Seen} before
   */
  async newAnswer(name, before) {
    await expect
      .poll(async () => (await this.answer(name)).seed, { timeout: WAIT_MS })
      .not.toBe(before.seed)
    return this.answer(name)
  }

  /**
   * Reloads until the generation in the background has arrived.
   * @param {string} name
   * @param {Seen} before
   */
  async newAnswerAfterReloads(name, before) {
    await expect
      .poll(async () => (await this.#reloaded(name)).seed, { timeout: WAIT_MS, interval: 100 })
      .not.toBe(before.seed)
    return this.answer(name)
  }

  /**
   * Reloads until the value is read from the cache. Next.js itself discards what an action has
   * fetched or rendered, so one more generation may follow it.
   * @param {string} name
   */
  async settled(name) {
    await expect
      .poll(async () => (await this.#reloaded(name)).source, { timeout: WAIT_MS, interval: 100 })
      .toBe('cache')
    return this.answer(name)
  }

  /** @param {string} name */
  async #reloaded(name) {
    await this.page.reload()
    return this.answer(name)
  }

  /** Asks for a code on the page of logins, which shows it. @param {string} address */
  async askForCode(address) {
    await this.page.getByLabel('Your address').fill(address)
    await this.page.getByRole('button', { name: 'Send a code' }).click()
    return (await this.page.locator('[data-code]').textContent({ timeout: WAIT_MS })) ?? ''
  }

  /** @param {string} code */
  async typeCode(code) {
    await this.page.getByLabel('The code').fill(code)
    await this.page.getByRole('button', { name: 'Log in' }).click()
  }

  /** Calls the cached route handler with the button of its page. */
  async callRoute() {
    const reply = this.page.waitForResponse((response) => response.url().endsWith('/api/quote'))
    await this.press('GET /api/quote')
    const response = await reply
    const body = await response.json()
    return { header: response.headers()['x-nextjs-cache'], seed: body.generation.seed }
  }
}
