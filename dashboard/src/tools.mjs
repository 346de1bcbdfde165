// @ts-check

import { h, put } from './dom.mjs'
import { count, moment, plural, size, span } from './format.mjs'

/** The boxes that ask: why something is answered as it is, and what a purge would hit. */

/**
 * @param {string} base
 * @param {string} act
 * @param {object} body
 */
async function ask(base, act, body) {
  const response = await fetch(base + act, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const isJson = response.headers.get('content-type')?.startsWith('application/json')
  const answer = isJson ? await response.json() : { error: (await response.text()).trim() }
  if (response.ok) return answer
  throw new Error(answer.error ?? `the server answered ${response.status}`)
}

/** @param {string} name @param {[string, string][]} choices */
function choice(name, choices) {
  const radios = choices.map(([value, text], at) => {
    const radio = h('input', { type: 'radio', name, value, checked: at === 0 })
    return h('label', null, radio, h('span', null, text))
  })
  const element = h(
    'fieldset.choice',
    null,
    h('legend.visually-hidden', null, 'What it is'),
    radios,
  )
  return {
    element,
    get value() {
      return element.querySelector(':checked').value
    },
    set value(wanted) {
      for (const one of element.querySelectorAll('input')) one.checked = one.value === wanted
    },
  }
}

/** What failed, or is going on. @param {string} text @param {string} kind */
const line = (text, kind) => h(`p.said.${kind}`, null, text)

/** @param {string} base */
export function whyBox(base) {
  const what = choice('why-what', [
    ['path', 'Path or key'],
    ['tag', 'Tag'],
  ])
  const name = h('input', {
    id: 'why-name',
    type: 'text',
    placeholder: '/blog/first-post',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
  })
  const result = h('div.result', { role: 'status' }, h('p.empty', null, WHY_EMPTY))
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault()
    put(result, line('asking …', 'wait'))
    try {
      put(result, explained(await ask(base, 'why', { what: what.value, name: name.value })))
    } catch (error) {
      put(result, line(/** @type {Error} */ (error).message, 'bad'))
    }
  }
  const form = h(
    'form',
    { onsubmit: submit },
    what.element,
    h('label.visually-hidden', { for: 'why-name' }, 'Path, key or tag'),
    h('div.ask', null, name, h('button.primary', { type: 'submit' }, 'Why')),
  )
  const element = h(
    'section.card.tool',
    { 'aria-labelledby': 'why-head' },
    h('h2', { id: 'why-head' }, 'Why'),
    form,
    result,
  )
  return {
    element,
    /** @param {string} kind @param {string} text */
    ask(kind, text) {
      what.value = kind
      name.value = text
      form.requestSubmit()
      element.scrollIntoView({ block: 'nearest' })
      name.focus({ preventScroll: true })
    },
  }
}

const WHY_EMPTY =
  'Says in one sentence what a get would answer now, and what that follows from: age, tags, leases.'
const HEADS = /** @type {Record<string, string>} */ ({
  fresh: 'good',
  stale: 'warn',
  never: 'good',
})

/** @param {any} answer */
function explained({ said, output, invalidated, parts, entry, decisions }) {
  // Its own tags say no more than its key.
  const tags = (entry?.tags ?? []).filter(
    (/** @type {string} */ tag) => !tag.startsWith('tiercel:'),
  )
  const [head, ...rest] = said.split(': ')
  const facts = [
    ...Object.entries(parts).map(([name, bytes]) => ['holds', `${name}, ${size(Number(bytes))}`]),
    ...(entry?.bytes ? [['size', size(entry.bytes)]] : []),
    ...(tags.length > 0 ? [['tags', tags.join(', ')]] : []),
    ...invalidated.map((/** @type {any} */ row) => ['tag', ofRow(row)]),
    ...(output ? [['build', output]] : []),
  ]
  return [
    h('p.said', null, h(`strong.${HEADS[head] ?? 'bad'}`, null, head), ` ${rest.join(': ')}`),
    facts.length > 0 &&
      h(
        'dl.facts',
        null,
        facts.flatMap(([name, text]) => [h('dt', null, name), h('dd', null, text)]),
      ),
    decisions.length > 0 && [
      h('h3', null, 'Last decisions'),
      h('ol.decisions', null, decisions.map(decided)),
    ],
  ].flat()
}

/** @param {any} row */
function ofRow({ tag, hard, soft }) {
  const at = (/** @type {number} */ position) => moment(position / 1e3)
  const parts = [hard > 0 && `hard at ${at(hard)}`, soft > 0 && `softly at ${at(soft)}`]
  return `${tag} was invalidated ${parts.filter(Boolean).join(', ')}`
}

/** @param {any} decision */
const decided = ({ time: at, instance, call, outcome, tier, reason, ms }) =>
  h(
    'li',
    null,
    h('time', null, moment(at)),
    instance !== undefined && h('span.key', null, instance),
    h('span', null, `${call} ${outcome}`),
    h(
      'span.hint',
      null,
      [reason ? `${tier}: ${reason}` : tier, ms && span(ms)].filter(Boolean).join(', '),
    ),
  )

/** @param {string} base */
export function purgeBox(base) {
  const what = choice('purge-what', [
    ['tag', 'Tag'],
    ['path', 'Path'],
    ['key', 'Key'],
  ])
  const name = h('input', {
    id: 'purge-name',
    type: 'text',
    placeholder: 'posts',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
  })
  const soft = h('input', { type: 'checkbox', id: 'purge-soft' })
  const result = h('div.result', { role: 'status' }, h('p.empty', null, PURGE_EMPTY))
  const aim = () => ({ what: what.value, name: name.value, soft: soft.checked })
  let isBusy = false
  const act = async (/** @type {string} */ doing, /** @type {() => Promise<any>} */ work) => {
    if (isBusy) return
    isBusy = true
    put(result, line(doing, 'wait'))
    try {
      put(result, await work())
    } catch (error) {
      put(result, line(/** @type {Error} */ (error).message, 'bad'))
    } finally {
      isBusy = false
    }
  }
  const preview = (/** @type {Event} */ event) => {
    event.preventDefault()
    const given = aim()
    void act('counting …', async () => {
      const found = await ask(base, 'preview', given)
      const run = () =>
        void act('invalidating …', async () => purged(given, await ask(base, 'purge', given)))
      const button = h(
        'button.danger',
        { type: 'button', onclick: run },
        `Purge ${given.what} ${short(given.name)}`,
      )
      const cancel = h('button.quiet', { type: 'button', onclick: reset }, 'Cancel')
      return [
        h('p.said', null, hits(found, given)),
        kinds(found),
        h('div.acts', null, button, cancel),
      ]
    })
  }
  const reset = () => {
    put(result, h('p.empty', null, PURGE_EMPTY))
    name.focus()
  }
  const form = h(
    'form',
    { onsubmit: preview },
    what.element,
    h('label.visually-hidden', { for: 'purge-name' }, 'Tag, path or key'),
    h('div.ask', null, name, h('button', { type: 'submit' }, 'Dry run')),
    h('label.check', null, soft, 'soft: stale, and served while it is generated again'),
  )
  const element = h(
    'section.card.tool',
    { 'aria-labelledby': 'purge-head' },
    h('h2', { id: 'purge-head' }, 'Purge'),
    form,
    result,
  )
  // What was counted is no longer what would be hit.
  form.addEventListener('input', () => {
    if (!isBusy) put(result, h('p.empty', null, PURGE_EMPTY))
  })
  return { element }
}

const PURGE_EMPTY = 'A dry run counts what it would hit. Nothing is changed before you confirm.'

/** @param {string} text */
const short = (text) => (text.length > 32 ? `${text.slice(0, 31)}…` : text)

/** @param {any} found @param {any} aim */
function hits(found, { what, name }) {
  const { entries, bytes, isAll, isRecent, scanned, total } = found
  const hit = plural(entries, 'entry', 'entries')
  if (isRecent) return `${what} ${name} would hit ${hit} of those that were asked for lately.`
  const of = isAll ? '' : ` among the ${count(scanned)} of ${count(total)} keys that were looked at`
  return `${what} ${name} would hit ${hit} in Redis, ${size(bytes)}${of}. Memory of the instances may hold more.`
}

/** @param {any} found */
function kinds({ byKind }) {
  const rows = Object.entries(byKind)
  if (rows.length === 0) return false
  const facts = rows.flatMap(([kind, { entries, bytes }]) => [
    h('dt', null, kind),
    h('dd', null, bytes === undefined ? count(entries) : `${count(entries)}, ${size(bytes)}`),
  ])
  return h('dl.facts', null, facts)
}

/** @param {any} aim @param {any} done */
function purged(
  { what, name, soft },
  { isEverywhere, instances, acknowledged, acknowledgedMs, tookMs },
) {
  const took = span(acknowledgedMs ?? tookMs)
  const who =
    instances === 0
      ? 'no instance was connected'
      : `${acknowledged} of ${plural(instances, 'instance')} acknowledged in ${took}`
  const how = `${what} ${name} is ${soft ? 'stale' : 'invalidated'}`
  return isEverywhere
    ? h('p.said', null, h('strong.good', null, 'in effect everywhere'), ` ${how}; ${who}.`)
    : h(
        'p.said',
        null,
        h('strong.bad', null, 'recorded'),
        ` ${how}, but other instances may not know it yet; ${who}.`,
      )
}
