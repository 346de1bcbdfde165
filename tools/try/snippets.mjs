// @ts-check
/** What the documentation tells a reader to write, to type and to expect: taken from the pages. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../run.mjs'

/**
 * @typedef {object} Block a fenced block
 * @property {string} language empty for output
 * @property {string} text
 * @property {string} before the paragraph above it
 *
 * @typedef {{ command: string, expected?: string }} Command a line of a `sh` block, and its comment
 */

/** One page of the repository, such as `docs/deploy.md`. */
export class Page {
  /** @param {string} file @param {string} [text] */
  constructor(file, text = readFileSync(join(root, file), 'utf8')) {
    this.file = file
    this.text = text
  }

  /** What is below one heading, up to the next of its level. @param {string} heading */
  section(heading) {
    const lines = this.text.split('\n')
    const from = outsideOfCode(lines).findIndex(
      (line) => /^#+ /.test(line) && line.endsWith(heading),
    )
    if (from < 0) throw new Error(`${this.file} has no heading "${heading}"`)
    const level = /^#+/.exec(lines[from])?.[0].length ?? 0
    const isEnd = (/** @type {string} */ line) => /^#+ /.test(line) && line.indexOf(' ') <= level
    const length = outsideOfCode(lines)
      .slice(from + 1)
      .findIndex(isEnd)
    const end = length < 0 ? undefined : from + 1 + length
    return new Page(`${this.file}, "${heading}"`, lines.slice(from + 1, end).join('\n'))
  }

  /** @returns {Block[]} */
  get blocks() {
    const found = this.text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)
    return [...found].map(({ index, 1: language, 2: text }) => {
      const above = this.text.slice(0, index).trimEnd()
      return { language, text, before: above.slice(above.lastIndexOf('\n\n') + 2) }
    })
  }

  /** The block that begins with the comment `// <name>`, without that line. @param {string} name */
  fileNamed(name) {
    const head = `// ${name}\n`
    const found = this.blocks.find(({ text }) => text.startsWith(head))
    if (!found) throw new Error(`${this.file} has no block that begins with "// ${name}"`)
    return found.text.slice(head.length)
  }

  /** The first block of a language that has these words. @param {string} language @param {string} words */
  block(language, words) {
    const found = this.blocks.find((one) => one.language === language && one.text.includes(words))
    if (!found) throw new Error(`${this.file} has no \`${language}\` block with "${words}"`)
    return found.text
  }

  /** The commands of the blocks that have these words. @param {string} words @returns {Command[]} */
  commands(words) {
    const text = this.block('sh', words)
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [command, expected] = line.split(/\s{2,}# /)
        return { command, expected }
      })
  }

  /** The command in the text that begins so. @param {string} beginning */
  inline(beginning) {
    const found = this.#codes.find(({ inline }) => inline?.startsWith(beginning))
    if (!found?.inline) throw new Error(`${this.file} has no \`${beginning}...\``)
    return found.inline
  }

  /** Lines that the page says Tiercel prints, in blocks of output and in the text. */
  get printed() {
    const lines = this.#codes.flatMap(({ inline, block = '' }) => (inline ?? block).split('\n'))
    return lines.filter((line) => /^tiercel( [\d.]+)?: /.test(line))
  }

  /** Code in the text, and blocks of output. */
  get #codes() {
    const found = this.text.matchAll(
      /^```(?<language>\w*)\n(?<block>[\s\S]*?)^```$|`(?<inline>[^`]+)`/gm,
    )
    return [...found].map(({ groups }) => groups ?? {}).filter(({ language }) => !language)
  }
}

/** Lines, with those of code blocks blank. @param {string[]} lines */
function outsideOfCode(lines) {
  let isCode = false
  return lines.map((line) => {
    if (!line.startsWith('```')) return isCode ? '' : line
    isCode = !isCode
    return ''
  })
}

/**
 * What a line of the documentation stands for: numbers are other numbers, a word that ends in `...`
 * is any, and the names of the example are those of the app.
 *
 * @param {string} line
 * @param {Record<string, string>} [names] of the example, to those of the app
 */
export function patternOf(line, names = {}) {
  const named = Object.entries(names).reduce((text, [from, to]) => text.replaceAll(from, to), line)
  const parts = named.split(/\S*(?:\.{3}|…)/).map((part) => {
    const escaped = part.replace(/[$()*+?.\\[\]{}|^]/g, '\\$&')
    return escaped.replace(/\d+/g, '\\d+')
  })
  return new RegExp(parts.join('\\S*'), 'i')
}
