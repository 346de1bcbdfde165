// @ts-check

/** Lines printed so far, here or in the process that started this one. */
const SAID = '__TIERCEL_SAID'
const said = new Set((process.env[SAID] ?? '').split('\n').filter(Boolean))

/**
 * Prints a line about a next.config once: Next.js reads the file in several processes, and twice in
 * some.
 * @param {string} line
 */
function say(line) {
  const plain = line.replace(/\p{Cc}/gu, '·')
  if (said.has(plain)) return
  said.add(plain)
  process.env[SAID] = [...said].join('\n')
  process.stderr.write(`tiercel: ${plain}\n`)
}

module.exports = { say }
