// @ts-check

/** Elements, made without a word of HTML: what somebody else has named can only become text. */

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * @param {string} name with classes: `p.hint`
 * @param {Record<string, any> | null} [properties] attributes; `on…` are listeners
 * @param {...(Child | Child[])} children
 * @returns {any}
 */
export function h(name, properties, ...children) {
  const [tag, ...classes] = name.split('.')
  const element = document.createElement(tag)
  if (classes.length > 0) element.className = classes.join(' ')
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value)
    else element.setAttribute(key, value === true ? '' : String(value))
  }
  put(element, ...children)
  return element
}

/** @param {Element} element @param {...(Child | Child[])} children */
export function put(element, ...children) {
  const some = children.flat().filter((one) => one !== null && one !== undefined && one !== false)
  element.replaceChildren(...some.map((one) => (one instanceof Node ? one : String(one))))
}

/** Changes a text only if it is another one. @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text
}

/**
 * The children of a list, each kept for as long as its key is there: what has the focus keeps it.
 * @template T
 * @param {Element} list
 * @param {T[]} items
 * @param {(item: T) => string} keyOf
 * @param {() => HTMLElement & { show: (item: T) => void }} make
 */
export function keep(list, items, keyOf, make) {
  const known = new Map([...list.children].map((one) => [/** @type {any} */ (one).key, one]))
  const wanted = items.map((item) => {
    const key = keyOf(item)
    const element = /** @type {any} */ (known.get(key) ?? make())
    known.delete(key)
    element.key = key
    element.show(item)
    return element
  })
  const kept = new Set(wanted)
  // Not those of `known`: there may have been several of one key.
  for (const gone of [...list.children]) {
    if (kept.has(gone)) continue
    // Whoever was there goes on from the list, not from the top of the page.
    const frame = /** @type {HTMLElement | null} */ (gone.closest('[tabindex]'))
    if (gone.matches(':focus-within')) frame?.focus({ preventScroll: true })
    gone.remove()
  }
  order(list, wanted)
}

/**
 * Puts children into an order. What somebody is at is not taken out, even for a moment: it would lose
 * the focus, or the click that has begun.
 * @param {Element} list
 * @param {Element[]} wanted
 */
function order(list, wanted) {
  const isHeld = (/** @type {Element} */ one) =>
    one.parentNode === list && one.matches(':focus-within, :active')
  const held = Math.max(0, wanted.findIndex(isHeld))
  for (let at = held - 1; at >= 0; at--) {
    const next = wanted[at + 1]
    if (wanted[at].nextSibling !== next) list.insertBefore(wanted[at], next)
  }
  for (let at = held; at < wanted.length; at++) {
    const place = at === 0 ? list.firstChild : wanted[at - 1].nextSibling
    if (place !== wanted[at] && !isHeld(wanted[at])) list.insertBefore(wanted[at], place)
  }
}

/**
 * A row of cells that shows items. A node is put into its cell once.
 * @param {string[]} classes
 * @param {(item: any) => Child[]} cells
 */
export function row(classes, cells) {
  const elements = classes.map((name) => h(name ? `td.${name}` : 'td'))
  const element = h('tr', null, elements)
  element.show = (/** @type {any} */ item) => {
    cells(item).forEach((cell, at) => {
      if (!(cell instanceof Node)) say(elements[at], String(cell ?? ''))
      else if (cell.parentNode !== elements[at]) put(elements[at], cell)
    })
  }
  return element
}
