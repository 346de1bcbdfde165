// @ts-check

/**
 * The stream of figures, alive again after whatever ended it: a browser comes back by itself after a
 * lost connection, but not after an answer that is none. Whether that is a server that restarts, or one
 * that lets nobody in any more, an answer to the same question tells.
 *
 * @typedef {'live' | 'reconnecting' | 'full' | 'shut' | 'away'} State
 *   `full`: there are as many viewers as there may be; `shut`: somebody else may see it; `away`: there
 *   is no such page
 */

const FIRST_PAUSE_MS = 1_000
const MOST_PAUSE_MS = 8_000
/** One that is full says so by `retry-after`. */
const FULL_PAUSE_MS = 30_000
/** The server says something every 15 s at least. */
const SILENCE_MS = 40_000
const WATCH_MS = 5_000

/**
 * @param {string} address
 * @param {{ figures: (sections: Record<string, any>) => void, state: (state: State) => void, enter: () => void }} told
 *   `enter`: what shows where one may come in
 */
export function live(address, { figures, state, enter }) {
  /** @type {EventSource} */
  let source
  let pause = FIRST_PAUSE_MS
  let heardAt = Date.now()
  let wasLive = false
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  const open = () => {
    clearTimeout(timer)
    timer = undefined
    source?.close()
    heardAt = Date.now()
    const own = new EventSource(address)
    source = own
    own.onopen = () => {
      pause = FIRST_PAUSE_MS
      wasLive = true
      state('live')
    }
    own.onerror = () => {
      if (own.readyState !== EventSource.CLOSED) state('reconnecting')
      else void refused(own)
    }
    const heard = (/** @type {string} */ name, /** @type {(data: string) => void} */ then) =>
      own.addEventListener(name, (event) => {
        heardAt = Date.now()
        then(/** @type {MessageEvent} */ (event).data)
      })
    heard('figures', (data) => figures(JSON.parse(data)))
    heard('alive', () => {})
    // A stream lasts some minutes: whether one may still see it is asked anew.
    heard('again', open)
  }
  const again = (/** @type {State} */ why = 'reconnecting') => {
    source.close()
    state(why)
    if (timer) return
    const wait = why === 'full' ? FULL_PAUSE_MS : pause
    timer = setTimeout(open, wait * (0.75 + Math.random() / 2))
    pause = Math.min(MOST_PAUSE_MS, pause * 2)
  }
  const refused = async (/** @type {EventSource} */ own) => {
    const why = await reason(own.url)
    // Something else has opened another one meanwhile.
    if (own !== source || timer) return
    // Once at most: whoever was never shown anything would be sent around in a circle.
    if (why === 'shut' && wasLive) enter()
    else again(why)
  }
  const watch = () => {
    if (!timer && Date.now() - heardAt > SILENCE_MS) again()
  }
  // What lies between may have gone without a word, and a machine may have slept.
  setInterval(watch, WATCH_MS)
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') watch()
  })
  window.addEventListener('online', () => again())
  open()
}

/** Why there is no stream. @param {string} address the whole of it @returns {Promise<State>} */
async function reason(address) {
  const over = new AbortController()
  const { signal } = over
  try {
    let answer = await fetch(address, { redirect: 'manual', signal })
    if (answer.type === 'opaqueredirect') {
      const end = await fetch(address, { signal }).catch(() => undefined)
      // A redirect leads to a login, unless the app only ends its addresses with a slash.
      if (end?.url.replace(/\/$/, '') !== address) return 'shut'
      answer = end
    }
    const { status } = answer
    if (status === 401 || status === 403) return 'shut'
    if (status === 404) return 'away'
    // Proxies say 503 as well.
    if (status === 503 && (await answer.text()).startsWith('Too many viewers')) return 'full'
    return 'reconnecting'
  } catch {
    return 'reconnecting'
  } finally {
    over.abort()
  }
}
