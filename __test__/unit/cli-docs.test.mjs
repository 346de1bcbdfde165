import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'

const require = createRequire(import.meta.url)
const { COMMANDS } = require('../../js/command/definitions/index.js')
const help = require('../../js/command/help.js')
const file = new URL('../../docs/cli.md', import.meta.url)

/** A marked place, and the block that follows it. */
const placeOf = (name) =>
  new RegExp(`<!-- tiercel ${name} --help -->\\n(?:\\n\`\`\`text\\n[\\s\\S]*?\\n\`\`\`\\n)?`)
const block = (name) => `<!-- tiercel ${name} --help -->\n\n\`\`\`text\n${help.of(name)}\n\`\`\`\n`

test('docs/cli.md shows the help of each command: TIERCEL_UPDATE=1 writes it', () => {
  const before = readFileSync(file, 'utf8')
  let after = before
  for (const { name } of COMMANDS) {
    expect(before, name).toMatch(placeOf(name))
    after = after.replace(placeOf(name), () => block(name))
  }
  if (process.env.TIERCEL_UPDATE) writeFileSync(file, after)
  else expect(before).toBe(after)
})

test('every help fits into 80 columns, and names its flags and exit codes', () => {
  for (const { name, groups, exits } of COMMANDS) {
    const lines = help.of(name).split('\n')
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    for (const flag of groups.flatMap((group) => group.flags)) {
      const call = new RegExp(`^  (-\\w, )?--${flag.name}(?![\\w-])`)
      expect(
        lines.filter((line) => call.test(line)),
        flag.name,
      ).toHaveLength(1)
    }
    for (const [code] of exits) expect(lines).toContainEqual(expect.stringMatching(`^  ${code} `))
  }
  const lines = help.general().split('\n')
  expect(lines.filter((line) => line.length > 80)).toEqual([])
  for (const { name, summary } of COMMANDS) {
    const line = new RegExp(`^  tiercel ${name} {2,}${summary}$`)
    expect(lines).toContainEqual(expect.stringMatching(line))
  }
})
