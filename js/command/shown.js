// @ts-check

/**
 * Foreign text, for a terminal: without characters that would move its cursor.
 * @param {string} text
 * @param {number} [most] characters
 */
function shown(text, most = 200) {
  const plain = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '·')
  return plain.length > most ? `${plain.slice(0, most)}…` : plain
}

/**
 * JSON, which leaves the control characters from U+007F on as they are: a terminal obeys those, too.
 * @param {unknown} value
 * @param {number} [indent]
 */
function jsonOf(value, indent) {
  const escaped = (/** @type {string} */ one) => `\\u00${one.charCodeAt(0).toString(16)}`
  return JSON.stringify(value, null, indent).replace(/[\u007f-\u009f]/g, escaped)
}

module.exports = { shown, jsonOf }
