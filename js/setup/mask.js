// @ts-check

/**
 * A source of the same length whose comments, texts and regular expressions are blank, so that the
 * rest can be searched and its brackets counted. Line breaks stay.
 * @param {string} source
 */
function mask(source) {
  let out = ''
  while (out.length < source.length) {
    const at = out.length
    const end = endOfQuiet(source, at, out)
    if (end === at) out += source[at]
    else out += blank(source.slice(at, end))
  }
  return out
}

/** Quotes stay, to show that there is a text. @param {string} text */
function blank(text) {
  const isText = /^['"`]/.test(text) && text.length > 1
  const inner = isText ? text.slice(1, -1) : text
  const blanked = inner.replace(/[^\n]/g, ' ')
  return isText ? text[0] + blanked + text[0] : blanked
}

/** The end of a comment, text or regular expression that begins here; else here.
 * @param {string} source @param {number} at @param {string} before masked */
function endOfQuiet(source, at, before) {
  const [one, two] = [source[at], source[at + 1]]
  if (one === '/' && two === '/') return found(source.indexOf('\n', at), source)
  if (one === '/' && two === '*') return found(source.indexOf('*/', at + 2), source, 2)
  if (one === '/' && beginsExpression(before)) return endOfPattern(source, at)
  if (one === "'" || one === '"') return endOfText(source, at, one)
  if (one === '`') return endOfTemplate(source, at)
  return at
}

/** @param {number} index @param {string} source @param {number} [more] */
const found = (index, source, more = 0) => (index === -1 ? source.length : index + more)

/** Whether a `/` here begins an expression and is no division. @param {string} before */
function beginsExpression(before) {
  return /(?:^|[([{,;:=!&|?+\-*%<>~^]|\b(?:return|typeof|case|in|of))\s*$/.test(before.slice(-40))
}

/** @param {string} source @param {number} at @param {string} quote */
function endOfText(source, at, quote) {
  let end = at + 1
  while (end < source.length && source[end] !== quote && source[end] !== '\n') {
    end += source[end] === '\\' ? 2 : 1
  }
  return Math.min(end + 1, source.length)
}

/** @param {string} source @param {number} at */
function endOfPattern(source, at) {
  let isClass = false
  for (let end = at + 1; end < source.length && source[end] !== '\n'; end++) {
    if (source[end] === '\\') end++
    else if (source[end] === '[') isClass = true
    else if (source[end] === ']') isClass = false
    else if (source[end] === '/' && !isClass) return end + 1
  }
  return at
}

/** A template, with the expressions in it. @param {string} source @param {number} at */
function endOfTemplate(source, at) {
  let depth = 0
  for (let end = at + 1; end < source.length; end++) {
    if (source[end] === '\\') end++
    else if (source.startsWith('${', end) || (depth > 0 && source[end] === '{')) {
      depth++
      if (source[end] === '$') end++
    } else if (depth > 0 && source[end] === '}') depth--
    else if (depth === 0 && source[end] === '`') return end + 1
  }
  return source.length
}

const CLOSING = /** @type {Record<string, string>} */ ({ '(': ')', '[': ']', '{': '}' })

/**
 * The end of the expression that begins here: before a `,` or `;` or closing bracket on its level,
 * or at the end of the source. Nothing if brackets do not match.
 * @param {string} masked
 * @param {number} at
 * @returns {number | undefined}
 */
function endOfExpression(masked, at) {
  /** @type {string[]} */
  const open = []
  for (let end = at; end < masked.length; end++) {
    const sign = masked[end]
    if (open.length === 0 && /[,;)\]}]/.test(sign)) return end
    if (CLOSING[sign]) open.push(CLOSING[sign])
    else if (/[)\]}]/.test(sign) && open.pop() !== sign) return undefined
  }
  return open.length === 0 ? masked.length : undefined
}

/** The number of brackets that are open here. @param {string} masked @param {number} at */
function depthAt(masked, at) {
  const before = masked.slice(0, at)
  return (before.match(/[([{]/g)?.length ?? 0) - (before.match(/[)\]}]/g)?.length ?? 0)
}

module.exports = { mask, endOfExpression, depthAt }
