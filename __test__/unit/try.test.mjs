import { describe, expect, it } from 'vitest'
import { managers, spokenBy } from '../../tools/try/managers.mjs'
import { setups } from '../../tools/try/setups.mjs'
import { Page, patternOf } from '../../tools/try/snippets.mjs'

const page = new Page(
  'example.md',
  `# Title

## Install

Run \`npx tool init\`, or write:

\`\`\`js
// a.config.js
# no heading
export default {}
\`\`\`

Then ask:

\`\`\`sh
curl localhost:3000/ | grep x   # x: HIT
\`\`\`

\`\`\`
tiercel: get APP_PAGE /index memory fresh 5 s old
\`\`\`

### Deeper

At start a line says \`tiercel: namespace shop:production on redis cache:6379/0\`.

## Next

\`tiercel: another line\`
`,
)

describe('what a page tells a reader', () => {
  const install = page.section('Install')

  it('a section ends where the next one of its level begins', () => {
    expect(install.text).toContain('Deeper')
    expect(install.text).not.toContain('another line')
    expect(() => page.section('Missing')).toThrow('no heading "Missing"')
  })

  it('a file is the block that begins with its name', () => {
    expect(install.fileNamed('a.config.js')).toBe('# no heading\nexport default {}\n')
    expect(() => install.fileNamed('b.js')).toThrow('no block')
  })

  it('a command has the comment behind it as its expected output', () => {
    expect(install.commands('curl')).toEqual([
      { command: 'curl localhost:3000/ | grep x', expected: 'x: HIT' },
    ])
    expect(install.inline('npx tool')).toBe('npx tool init')
  })

  it('the lines that Tiercel prints are found in blocks of output and in the text', () => {
    expect(install.printed).toEqual([
      'tiercel: get APP_PAGE /index memory fresh 5 s old',
      'tiercel: namespace shop:production on redis cache:6379/0',
    ])
  })
})

describe('what a line of the documentation stands for', () => {
  it('numbers are other numbers, and words are themselves', () => {
    const pattern = patternOf('tiercel: get APP_PAGE /index memory fresh 5 s old')
    expect('tiercel: get APP_PAGE /index memory fresh 117 s old').toMatch(pattern)
    expect('tiercel: get APP_PAGE /index memory stale 5 s old').not.toMatch(pattern)
    expect('tiercel: get APP_PAGE /other memory fresh 5 s old').not.toMatch(pattern)
  })

  it('names of the example are those of the app', () => {
    const line = 'tiercel: namespace shop:production on redis cache:6379/0'
    const pattern = patternOf(line, { shop: 'web', 'cache:6379': '127.0.0.1:6400' })
    expect('tiercel: namespace web:production on redis 127.0.0.1:6400/0').toMatch(pattern)
    expect('tiercel: namespace shop:production on redis cache:6379/0').not.toMatch(pattern)
  })

  it('dots that leave something out stand for anything', () => {
    expect('build 9xK2w, next 16.5.0').toMatch(patternOf('build 4tx..., next 16.4.6'))
  })
})

it('a package manager has words of its own', () => {
  expect(spokenBy('npm install tiercel', managers.pnpm)).toBe('pnpm add tiercel')
  expect(spokenBy('npx tiercel init', managers.bun)).toBe('bunx tiercel init')
  expect(spokenBy('npx tiercel init', managers.npm)).toBe('npx tiercel init')
})

it('set-ups have different names, and some are short', () => {
  const names = setups.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(setups.filter(({ isShort }) => isShort).length).toBeGreaterThan(0)
})
