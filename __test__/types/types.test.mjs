import { execFile } from 'node:child_process'
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { fixtureNames, installFixture } from '../../tools/next/fixtures.mjs'

const here = import.meta.dirname
const compiler = createRequire(import.meta.url).resolve('typescript/package.json')
const run = promisify(execFile)

describe.each(fixtureNames)('the types as installed in %s', (name) => {
  let folder
  let next

  beforeAll(async () => {
    const fixture = await installFixture(name)
    next = fixture.next
    folder = path.join(here, '../next/.work/types', name)
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    await symlink(path.join(fixture.folder, 'node_modules'), path.join(folder, 'node_modules'))
    for (const file of ['fits.ts', 'public.ts', 'app.ts'])
      await cp(path.join(here, file), `${folder}/${file}`)
  })

  it('the class is a cacheHandler and one of cacheHandlers, strictly', async () => {
    expect(await compile(folder, ['fits.ts'])).toBe('')
  })

  it('tiercel/app tells what comes back, and refuses what it does not know', async () => {
    expect(await compile(folder, ['app.ts'])).toBe('')
  })

  it('the class is what next/cache calls CacheHandler, where it does', async () => {
    if (next.startsWith('16.4')) expect(await compile(folder, ['public.ts'])).toBe('')
  })
})

/** What the compiler has to say: nothing, when all is well. */
async function compile(folder, files) {
  const project = path.join(folder, 'tsconfig.json')
  const compilerOptions = { typeRoots: [path.join(here, '../../node_modules/@types')] }
  const extending = path.relative(folder, path.join(here, 'tsconfig.json'))
  await writeFile(project, JSON.stringify({ extends: extending, compilerOptions, files }))
  const tsc = path.join(path.dirname(compiler), 'bin/tsc')
  return run(process.execPath, [tsc, '--project', project]).then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }) => stdout + stderr,
  )
}
