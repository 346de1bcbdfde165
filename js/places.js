// @ts-check

const { relative, sep } = require('node:path')

/** Where a call comes from, for the operator. */

const HERE = __dirname + sep
const FRAME = /\(?((?:file:\/\/)?(?:\/|[A-Za-z]:\\)[^()]*?):(\d+):\d+\)?$/

/** The file and line that called this package. */
function ofCaller() {
  const lines = new Error().stack?.split('\n').slice(1) ?? []
  for (const line of lines) {
    const [, path, row] = FRAME.exec(line) ?? []
    if (!path) continue
    const file = path.replace(/^file:\/\//, '')
    if (!file.startsWith(HERE)) return `${relative(process.cwd(), file)}:${row}`
  }
  return 'a script'
}

/** Whether both are in the same file: it was loaded again. @param {string} one @param {string} other */
function isSame(one, other) {
  const fileOf = (/** @type {string} */ place) => place.replace(/:\d+$/, '')
  return fileOf(one) === fileOf(other)
}

module.exports = { ofCaller, isSame }
