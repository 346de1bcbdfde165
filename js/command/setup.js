// @ts-check

const { writeFileSync } = require('node:fs')
const { join, resolve } = require('node:path')
const { diff } = require('../setup/diff.js')
const plan = require('../setup/plan.js')
const help = require('./help.js')
const { agrees, out } = require('./terminal.js')
const { parsed } = require('./usage.js')

/** Exit codes: 1 if something is left to do. */
const DONE = 0
const LEFT = 1

/**
 * `tiercel init` and `tiercel migrate`: show a change, and make it if the user agrees.
 * @param {'init' | 'migrate'} command
 * @param {string[]} args
 */
async function runSetup(command, args) {
  const { values } = parsed(command, args)
  if (values.help) {
    out(help.of(command))
    return DONE
  }
  const dir = resolve(values.dir ?? '.')
  const { outcome, says, after, file } = plan[command](dir)
  if (says.length > 0) out(`${says.join('\n')}\n`)
  if (outcome === 'done') return DONE
  if (!file) return LEFT
  out(`${diff(file.name, file.before, file.after)}\n`)
  if (after.length > 0) out(['Then:', ...after.map((line) => `  ${line}`), ''].join('\n'))
  if (values['dry-run']) return DONE
  if (!values.yes && !(await agrees(`Write ${file.name}?`))) {
    if (!process.stdin.isTTY) out(`Nobody can be asked here; --yes writes ${file.name}.`)
    out('Nothing was written.')
    return LEFT
  }
  writeFileSync(join(dir, file.name), file.after)
  out(`${file.name} is written.`)
  return DONE
}

module.exports = { runSetup }
