// @ts-check

/** What was thrown need be no error, nor anything that has a text. @param {unknown} thrown */
function textOf(thrown) {
  try {
    return String(thrown)
  } catch {
    return typeof thrown
  }
}

module.exports = { textOf }
