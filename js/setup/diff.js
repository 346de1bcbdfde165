// @ts-check

/** Lines around a change that are shown. */
const AROUND = 3

/**
 * A unified diff of two short texts; empty if they are the same.
 * @param {string} name
 * @param {string | undefined} before nothing if there was no such file
 * @param {string} after
 */
function diff(name, before, after) {
  const lines = compared(linesOf(before ?? ''), linesOf(after))
  const changed = lines.flatMap(({ sign }, n) => (sign === ' ' ? [] : [n]))
  if (changed.length === 0) return ''
  const out = [before === undefined ? '--- /dev/null' : `--- ${name}`, `+++ ${name}`]
  let shown = -1
  for (const [n, { sign, text }] of lines.entries()) {
    if (!changed.some((at) => Math.abs(at - n) <= AROUND)) continue
    if (shown !== n - 1 || n === 0) out.push('@@')
    shown = n
    out.push(`${sign}${text}`)
  }
  return out.join('\n')
}

/** @param {string} text */
function linesOf(text) {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

/**
 * By their longest common subsequence; a next.config is short.
 * @param {string[]} a
 * @param {string[]} b
 */
function compared(a, b) {
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1))
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const [down, right] = [common[i + 1][j], common[i][j + 1]]
      common[i][j] = a[i] === b[j] ? common[i + 1][j + 1] + 1 : Math.max(down, right)
    }
  }
  const lines = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ sign: ' ', text: a[i++] })
      j++
    } else if (j >= b.length || (i < a.length && common[i + 1][j] >= common[i][j + 1])) {
      lines.push({ sign: '-', text: a[i++] })
    } else lines.push({ sign: '+', text: b[j++] })
  }
  return lines
}

module.exports = { diff }
