// @ts-check

/**
 * The stream of figures, alive again after whatever ended it: a browser comes back by itself after a
 * lost connection, but not after an answer that is none, which is what a server that restarts gives
 * behind a proxy.
 */

const MOST_PAUSE_MS = 8_000
/** The server says something every 15 s at least. */
const SILENCE_MS = 40_000

/**
 * @param {string} address
 * @param {{ figures: (sections: Record<string, any>, isAll: boolean) => void, state: (state: 'live' | 'reconnecting') => void }} told
 */
export function live(address, { figures, state }) {
  /** @type {EventSource} */
  let source
  let pause = 1_000
  let heardAt = Date.now()
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  const open = () => {
    timer = undefined
    heardAt = Date.now()
    source = new EventSource(address)
    source.onopen = () => {
      pause = 1_000
      state('live')
    }
    source.onerror = () => {
      state('reconnecting')
      if (source.readyState === EventSource.CLOSED) again()
    }
    for (const name of ['all', 'some']) {
      source.addEventListener(name, (event) => {
        heardAt = Date.now()
        figures(JSON.parse(/** @type {MessageEvent} */ (event).data), name === 'all')
      })
    }
  }
  const again = () => {
    source.close()
    if (timer) return
    timer = setTimeout(open, pause * (0.75 + Math.random() / 2))
    pause = Math.min(MOST_PAUSE_MS, pause * 2)
  }
  // A machine that slept has a connection that nobody will ever write to.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && Date.now() - heardAt > SILENCE_MS) again()
  })
  window.addEventListener('online', again)
  open()
}
