// @ts-check

const { depthAt, endOfExpression, mask } = require('./mask.js')

/**
 * A next.config as text: recognises the forms that create-next-app, the documentation of Next.js and
 * plugins use, and leaves all others to the user.
 *
 * @typedef {{ at: number, end: number, text: string }} Edit
 */

/** A step to do by hand, and its reason. */
class ByHand extends Error {}

const EXPORT = /^[ \t]*export\s+default\s+/gm
const MODULE = /^[ \t]*module\.exports\s*=\s*/gm
/** Exports of other forms. */
const OTHERS =
  /\bmodule\.exports\s*[.[]|\bexports\.\w+\s*=|\bexport\s*\{[^}]*\bdefault\b|\bexport\s*=/
/** An object with nothing in it, on lines of its own. */
const EMPTY = /\{[ \t]*\n\s*\}/
const DECLARED = /^(?:async\s+)?function\b\s*\*?\s*(\w*)/

/**
 * The source with what it exports wrapped in `withTiercel`, and its import.
 * @param {string} source
 * @param {Record<string, unknown>} [options] of `withTiercel`
 * @param {string} [style] a source whose style to follow
 * @throws {ByHand}
 */
function wrap(source, options = {}, style = source) {
  const masked = mask(source)
  const { at, end, isModule } = exported(masked)
  const quote = quoteOf(style)
  const close = Object.keys(options).length > 0 ? `, ${written(options, quote)})` : ')'
  const edits = [
    importOf(source, masked, isModule, quote),
    { at, end: at, text: 'withTiercel(' },
    { at: end, end, text: close },
  ]
  return apply(source, edits)
}

/** @param {string} source */
const isWrapped = (source) => /\bwithTiercel\s*\(/.test(mask(source))

/** The range of the exported expression. @param {string} masked */
function exported(masked) {
  const esm = [...masked.matchAll(EXPORT)]
  const cjs = [...masked.matchAll(MODULE)]
  if (OTHERS.test(masked)) throw new ByHand('it exports in a form that is not recognised')
  const [one, ...more] = [...esm, ...cjs]
  if (one === undefined) throw new ByHand('no `export default` and no `module.exports =` was found')
  if (more.length > 0) throw new ByHand('it exports in more than one place')
  const at = one.index + one[0].length
  if (depthAt(masked, one.index) !== 0) throw new ByHand('what it exports depends on a condition')
  return { at, end: endOf(masked, at), isModule: esm.length > 0 }
}

/** The end of the exported expression. @param {string} masked @param {number} at */
function endOf(masked, at) {
  const rest = masked.slice(at)
  const declared = DECLARED.exec(rest)
  if (declared) return endOfFunction(masked, at, declared[1])
  const end = endOfExpression(masked, at)
  const name = /^[\w$]+(?=[ \t]*(?:\n|$))/.exec(rest)
  // Without a semicolon the next line may continue the expression; after a name it does not.
  if (name && !/^\s*(?:[.([?]|satisfies\b|as\b)/.test(rest.slice(name[0].length))) {
    return at + name[0].length
  }
  if (end === undefined || /[,)\]}]/.test(masked[end] ?? '')) {
    throw new ByHand('the end of what it exports was not found')
  }
  if (
    masked[end] !== ';' &&
    /\n\s*(?:export|const|let|var|function|import|if)\b/.test(masked.slice(at, end))
  ) {
    throw new ByHand('the end of what it exports was not found: a semicolon is missing')
  }
  return at + masked.slice(at, end).trimEnd().length
}

/** A function that is declared where it is exported. @param {string} masked @param {number} at @param {string} name */
function endOfFunction(masked, at, name) {
  if (name && masked.split(new RegExp(`\\b${name}\\b`)).length > 2) {
    throw new ByHand(`the function ${name} is also used elsewhere`)
  }
  const parameters = masked.indexOf('(', at)
  const inner = endOfExpression(masked, parameters + 1)
  const after = parameters === -1 || inner === undefined ? -1 : closing(masked, parameters)
  const body = after === -1 ? -1 : masked.indexOf('{', after)
  const end = body === -1 ? -1 : closing(masked, body)
  if (end === -1 || /[^\s:\w<>.]/.test(masked.slice(after, body))) {
    throw new ByHand('the end of the function that it exports was not found')
  }
  return end
}

/** The place after the matching bracket. @param {string} masked @param {number} open */
function closing(masked, open) {
  let depth = 0
  for (let at = open; at < masked.length; at++) {
    if (/[([{]/.test(masked[at])) depth++
    else if (/[)\]}]/.test(masked[at]) && --depth === 0) return at + 1
  }
  return -1
}

/** The quotes of most texts. @param {string} source */
function quoteOf(source) {
  const masked = mask(source)
  return masked.split('"').length > masked.split("'").length ? '"' : "'"
}

/** @param {Record<string, unknown>} options @param {string} quote */
function written(options, quote) {
  const pairs = Object.entries(options).map(([name, value]) => {
    const text = typeof value === 'string' ? quote + value + quote : String(value)
    return `${name}: ${text}`
  })
  return `{ ${pairs.join(', ')} }`
}

/** @param {string} source @param {string} masked @param {boolean} isModule @param {string} quote @returns {Edit} */
function importOf(source, masked, isModule, quote) {
  const semicolon = /;[ \t]*$/m.test(masked) ? ';' : ''
  const from = `${quote}tiercel/config${quote}`
  const line = isModule
    ? `import { withTiercel } from ${from}${semicolon}\n`
    : `const { withTiercel } = require(${from})${semicolon}\n`
  const at = placeOfImport(source, masked, isModule)
  const isAlone = at === 0 && /\S/.test(source) && !/^(?:import|const .*require)/.test(source)
  return { at, end: at, text: isAlone ? `${line}\n` : line }
}

/** After the last import, else at the top, below lines that have to come first.
 * @param {string} source @param {string} masked @param {boolean} isModule */
function placeOfImport(source, masked, isModule) {
  const imports = isModule
    ? /^import\b(?:[^;'"`]*\bfrom\s*)?\s*(['"])[^'"\n]*\1[^\n]*\n/gm
    : /^(?:const|let|var)\s[^=;]+=\s*require\s*\([^\n]*\);?[ \t]*\n/gm
  const last = [...masked.matchAll(imports)].at(-1)
  if (last) return last.index + last[0].length
  const first = /^(?:#![^\n]*\n|\/\/ *@ts-[^\n]*\n|(['"])use strict\1;?[^\n]*\n)+/.exec(source)
  return first?.[0].length ?? 0
}

/** @param {string} source @param {Edit[]} edits that do not overlap */
function apply(source, edits) {
  const ordered = edits.map((edit, n) => ({ ...edit, n })).sort((a, b) => b.at - a.at || b.n - a.n)
  return ordered.reduce(
    (text, { at, end, text: by }) => text.slice(0, at) + by + text.slice(end),
    source,
  )
}

/**
 * Settings of the config by these names, wherever they lie in it, and their values.
 * @param {string} source
 * @param {string[]} names
 * @throws {ByHand} if one is set in another form
 */
function settingsIn(source, names) {
  const masked = mask(source)
  return names.flatMap((name) =>
    [...masked.matchAll(new RegExp(`\\b${name}\\b`, 'g'))].map((found) => {
      const value = /^\s*:\s*/.exec(masked.slice(found.index + name.length))
      const before = masked.slice(0, found.index).trimEnd().at(-1) ?? ''
      const from = found.index + name.length + (value?.[0].length ?? 0)
      const end = value && endOfExpression(masked, from)
      if (!value || !/[{,]/.test(before) || end === undefined || end === null) {
        throw new ByHand(`\`${name}\` is set in a form that is not recognised`)
      }
      return { name, at: found.index, end, value: source.slice(from, end).trim() }
    }),
  )
}

/**
 * The source without some settings, with the lines they had for themselves.
 * @param {string} source
 * @param {{ at: number, end: number }[]} settings
 */
function without(source, settings) {
  const edits = settings.map(({ at, end }) => {
    const comma = /^\s*,/.exec(source.slice(end))?.[0].length ?? 0
    const rest = /^[ \t]*(?:\/\/[^\n]*)?\n/.exec(source.slice(end + comma))
    const indent = /(?:^|\n)([ \t]*)$/.exec(source.slice(0, at))
    if (rest && indent)
      return { at: at - indent[1].length, end: end + comma + rest[0].length, text: '' }
    const space = /^[ \t]*/.exec(source.slice(end + comma))?.[0].length ?? 0
    return { at, end: end + comma + space, text: '' }
  })
  const left = apply(source, edits)
  // An object that this has emptied goes too.
  return EMPTY.test(mask(source)) ? left : left.replace(EMPTY, '{}')
}

module.exports = { ByHand, wrap, isWrapped, settingsIn, without }
