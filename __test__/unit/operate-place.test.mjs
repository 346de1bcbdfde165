import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const require = createRequire(import.meta.url)

const { find } = require('../../js/operate/place.js')

/** A folder of one test, with these files. */
function folder({ onTestFinished }, files) {
  const dir = mkdtempSync(join(tmpdir(), 'tiercel-place-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  return dir
}

test('commands have the namespace of the app in whose folder they run', async (test) => {
  const dir = folder(test, { 'package.json': JSON.stringify({ name: '@acme/shop' }) })
  expect((await find({ dir })).namespace).toBe(`acme-shop:${process.env.NODE_ENV}`)
})

test('a file of options that is no JSON is refused without a word of it', async (test) => {
  const dir = folder(test, { 'options.json': '{ redisPassword: secret }' })
  const config = join(dir, 'options.json')
  await expect(find({ dir, config })).rejects.toThrow(`--config ${config} is no JSON`)
  const missing = join(dir, 'none.json')
  await expect(find({ dir, config: missing })).rejects.toThrow(
    `--config ${missing} cannot be read (ENOENT)`,
  )
})
