// @ts-check

import { h, keep, row, say } from './dom.mjs'
import { count, micros, percent, size, span } from './format.mjs'

/**
 * Tables, whose rows stay for as long as what they are about.
 *
 * @typedef {(what: 'path' | 'tag', name: string) => void} Ask
 */

/** @param {string} title @param {string[]} heads @param {string} empty @param {string} [id] */
export function table(title, heads, empty, id = title.toLowerCase().replaceAll(' ', '-')) {
  const body = h('tbody')
  const none = h('p.empty', null, empty)
  const head = h(
    'tr',
    null,
    heads.map((name) =>
      name.startsWith('#')
        ? h('th.n', { scope: 'col' }, name.slice(1))
        : h('th', { scope: 'col' }, name),
    ),
  )
  const frame = h(
    'div.frame.scrolls',
    { tabindex: '0', role: 'group', 'aria-labelledby': id },
    h('table', null, h('thead', null, head), body),
  )
  const element = h('section.card', { 'aria-labelledby': id }, h('h2', { id }, title), frame, none)
  const fill = (
    /** @type {any[]} */ items,
    /** @type {(item: any) => string} */ keyOf,
    /** @type {() => any} */ make,
  ) => {
    keep(body, items, keyOf, make)
    frame.hidden = items.length === 0
    none.hidden = items.length > 0
  }
  fill(
    [],
    () => '',
    () => h('tr'),
  )
  return { element, fill }
}

/** Of an instance. @param {() => number} now by the clock of the server */
export function instanceRow(now) {
  const state = h('span')
  return row(['key', '', 'n', 'n', 'n', 'n', 'n', 'n', 'n', 'n', 'n', ''], (one) => {
    const isFine = one.state === 'connected' || one.state === 'none'
    state.className = isFine ? '' : 'warn'
    say(state, one.state === 'none' ? 'memory only' : one.state)
    const { tiercel, next, node, build } = one.versions
    return [
      one.name,
      state,
      percent(one.hitPercent),
      count(one.getsPerSec),
      micros(one.p50Micros),
      micros(one.p99Micros),
      `${size(one.memoryBytes)}${one.memoryPercent === null ? '' : ` ${Math.floor(one.memoryPercent)} %`}`,
      span(one.lagMs),
      count(one.leases),
      count(one.evictions),
      span(Math.max(0, now() - one.startedAt)),
      [tiercel, next && `next ${next}`, node && `node ${node}`, build].filter(Boolean).join(', '),
    ]
  })
}

/**
 * A row that belongs to a name, which can be asked about, with figures beside it.
 * @param {'path' | 'tag'} what
 * @param {((one: any) => string)[]} figures the last one is a number
 * @param {Ask} ask
 */
export function namedRow(what, figures, ask) {
  const classes = ['key', ...figures.map((_, at) => (at === figures.length - 1 ? 'n' : ''))]
  /** @type {HTMLElement | undefined} */
  let name
  return row(classes, (one) => {
    name ??= asks(one.name, what, ask)
    return [name, ...figures.map((figure) => figure(one))]
  })
}

/** A name that can be asked about. @param {string} name @param {'path' | 'tag'} what @param {Ask} ask */
function asks(name, what, ask) {
  // Of a name that was cut nothing is known.
  if (name.endsWith('…')) return h('span', { title: name }, name)
  const onclick = () => ask(what, name)
  return h('button.name', { type: 'button', title: `Why: ${name}`, onclick }, name)
}
