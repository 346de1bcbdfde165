import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const require = createRequire(import.meta.url)

test('commands have the namespace of the app in whose folder they run', async ({
  onTestFinished,
}) => {
  const dir = mkdtempSync(join(tmpdir(), 'tiercel-place-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: '@acme/shop' }))
  const { find } = require('../../js/operate/place.js')
  expect((await find({ dir })).namespace).toBe(`acme-shop:${process.env.NODE_ENV}`)
})
