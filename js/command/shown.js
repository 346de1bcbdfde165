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

module.exports = { shown }
