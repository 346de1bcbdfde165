import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { live } from '../../dashboard/src/live.mjs'

// The stream of figures as the page of the dashboard has it, without a browser.

/** @type {any[]} */
let sources = []
/** What the server answers to a question without a stream. */
let answer

class Source extends EventTarget {
  static CLOSED = 2
  readyState = 0
  constructor(address) {
    super()
    this.address = address
    this.url = `http://h/_cache/${address}`
    sources.push(this)
  }
  close() {
    this.readyState = Source.CLOSED
  }
  open() {
    this.readyState = 1
    this.onopen()
  }
  tell(name, data = {}) {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }))
  }
  /** As after an answer that is no stream. */
  refuse() {
    this.readyState = Source.CLOSED
    this.onerror()
  }
  lose() {
    this.readyState = 0
    this.onerror()
  }
}

beforeEach(() => {
  vi.useFakeTimers()
  sources = []
  answer = () => new Response('', { status: 502 })
  vi.stubGlobal('EventSource', Source)
  vi.stubGlobal('document', Object.assign(new EventTarget(), { visibilityState: 'visible' }))
  vi.stubGlobal('window', new EventTarget())
  vi.stubGlobal('fetch', async (url, init) => answer(url, init))
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function started() {
  const told = { figures: vi.fn(), state: vi.fn(), enter: vi.fn() }
  live('events', told)
  return { ...told, last: () => told.state.mock.lastCall?.[0] }
}
const passed = (ms) => vi.advanceTimersByTimeAsync(ms)

test('figures are told as they come', () => {
  const { figures, last } = started()
  sources[0].open()
  sources[0].tell('figures', { a: 1 })
  sources[0].tell('figures', { b: 2 })
  expect(figures.mock.calls).toEqual([[{ a: 1 }], [{ b: 2 }]])
  expect(last()).toBe('live')
})

test('a stream that is to be opened again is, and nobody sees it', async () => {
  const { state } = started()
  sources[0].open()
  sources[0].tell('again')
  expect([sources.length, sources[0].readyState]).toEqual([2, Source.CLOSED])
  sources[1].open()
  expect(state.mock.calls).toEqual([['live'], ['live']])
  await passed(20_000)
  expect(sources).toHaveLength(2)
})

describe('a stream that is refused', () => {
  test.for([
    [401, ''],
    [403, ''],
    ['opaqueredirect', ''],
  ])('with %s leads whoever was in to the door, once', async ([status]) => {
    answer = (_, { redirect }) => {
      if (status !== 'opaqueredirect') return new Response('', { status })
      return redirect === 'manual'
        ? { type: status }
        : { status: 200, url: 'http://h/login?next=events' }
    }
    const { enter, last } = started()
    // Whoever was not in is not sent around in a circle.
    sources[0].refuse()
    await passed(0)
    expect([enter.mock.calls.length, last()]).toEqual([0, 'shut'])
    await passed(1_500)
    sources[1].open()
    sources[1].refuse()
    await passed(0)
    expect(enter).toHaveBeenCalledTimes(1)
    await passed(20_000)
    expect([sources.length, enter.mock.calls.length]).toEqual([2, 1])
  })

  test.for([
    [404, 'Not found', 'away'],
    [503, 'Too many viewers\n', 'full'],
    [503, 'of a proxy', 'reconnecting'],
    [502, '', 'reconnecting'],
  ])('with %s and %j is tried again, and is %j', async ([status, text, said]) => {
    answer = () => new Response(text, { status })
    const { enter, last } = started()
    sources[0].open()
    sources[0].refuse()
    await passed(0)
    expect([last(), enter.mock.calls.length]).toEqual([said, 0])
    await passed(said === 'full' ? 22_000 : 700)
    expect(sources).toHaveLength(1)
    await passed(said === 'full' ? 16_000 : 600)
    expect(sources).toHaveLength(2)
    sources[1].open()
    expect(last()).toBe('live')
  })

  // With `trailingSlash` the app sends each address to the one with a slash.
  test.for([
    [401, '', 'shut'],
    [404, 'Not found', 'away'],
    [503, 'Too many viewers\n', 'full'],
    [502, '', 'reconnecting'],
    ['elsewhere', '', 'shut'],
  ])('behind a slash with %s and %j is %j', async ([status, text, said]) => {
    answer = (url, { redirect }) => {
      if (redirect === 'manual') return { type: 'opaqueredirect' }
      if (status === 'elsewhere') throw new TypeError('refused by the content security policy')
      return { status, url: `${url}/`, text: async () => text }
    }
    const { last } = started()
    sources[0].refuse()
    await passed(0)
    expect(last()).toBe(said)
  })

  test('by a server that is not there is tried again', async () => {
    answer = () => {
      throw new TypeError('fetch failed')
    }
    const { last } = started()
    sources[0].refuse()
    await passed(1_500)
    expect([last(), sources.length]).toEqual(['reconnecting', 2])
  })
})

describe('a stream that is silent', () => {
  test('is opened again', async () => {
    const { last } = started()
    sources[0].open()
    sources[0].tell('figures')
    await passed(46_000)
    expect([last(), sources[0].readyState]).toEqual(['reconnecting', Source.CLOSED])
    await passed(1_500)
    expect(sources).toHaveLength(2)
  })

  test('but not while its server says that it is alive', async () => {
    const { last } = started()
    sources[0].open()
    for (let n = 0; n < 10; n++) {
      await passed(15_000)
      sources[0].tell('alive')
    }
    expect([last(), sources.length]).toEqual(['live', 1])
  })

  test('is looked at once somebody comes back to the page', async () => {
    const { last } = started()
    sources[0].open()
    // A machine that slept has run no timer.
    vi.setSystemTime(Date.now() + 3_600_000)
    document.dispatchEvent(new Event('visibilitychange'))
    expect(last()).toBe('reconnecting')
  })
})

test('the browser comes back from a lost connection by itself', async () => {
  const { last } = started()
  sources[0].open()
  sources[0].lose()
  expect(last()).toBe('reconnecting')
  await passed(5_000)
  expect(sources).toHaveLength(1)
  sources[0].open()
  expect(last()).toBe('live')
})
