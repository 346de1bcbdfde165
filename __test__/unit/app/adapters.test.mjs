import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { adapts } from './adapters-suite.mjs'

adapts('in one process')

const ADAPTERS = { 'better-auth': 'secondaryStorage', keyv: 'KeyvTiercel', unstorage: 'default' }

/** What Node.js prints for a module of an app that has installed the package. */
async function printed(source, flags = []) {
  const args = [...flags, '--input-type=module', '-e', source]
  const cwd = fileURLToPath(new URL('../../../', import.meta.url))
  const env = { ...process.env, TIERCEL_REDIS_URL: 'none' }
  return (await promisify(execFile)(process.execPath, args, { cwd, env })).stdout.trim()
}

const made = (name) => (name === 'KeyvTiercel' ? 'new one()' : 'one()')

test.for(Object.entries(ADAPTERS))('tiercel/%s is imported by its name', async ([path, name]) => {
  const source = `
    import { ${name} as one } from 'tiercel/${path}'
    console.log(typeof (${made(name)}.get ?? ${made(name)}.getItem))`
  expect(await printed(source)).toBe('function')
})

test.for(Object.entries(ADAPTERS))('tiercel/%s says where it belongs', async ([path, name]) => {
  const source = `
    import { ${name} as one } from 'tiercel/${path}'
    try { ${made(name)} } catch ({ code, message }) { console.log(code, message) }`
  for (const condition of ['edge-light', 'workerd', 'browser']) {
    const said = await printed(source, [`--conditions=${condition}`])
    expect(said).toMatch(`TIERCEL_EDGE_RUNTIME tiercel/${path} needs Node.js;`)
  }
})
