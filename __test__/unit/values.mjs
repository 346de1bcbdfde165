/** Values that are easily changed on their way: what a cache takes in, it has to give back so. */
import { fetched, page } from './support.mjs'

export const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
export const big = Buffer.alloc(100_000, everyByte)

/** Contents of bytes. */
export const bodies = { 'every byte': everyByte, large: big, empty: Buffer.alloc(0) }

export const pages = {
  full: page({
    html: '<p>hello</p>',
    rscData: everyByte,
    postponed: 'state',
    headers: { 'x-next-cache-tags': 'a,b', 'x-list': ['1', '2'], 'x-number': 3 },
    status: 404,
    segmentData: new Map([
      ['/_tree', Buffer.from('tree')],
      ['/_full', everyByte],
      ['/empty', Buffer.alloc(0)],
    ]),
  }),
  bare: page({ rscData: undefined, headers: undefined }),
  nulls: page({ headers: null, status: null, postponed: null }),
  'without segments': page({ segmentData: new Map() }),
  'rsc as text': page({ rscData: 'rsc' }),
  'redirect()': page({ status: 307, headers: { location: '/there' } }),
  'large parts': page({ rscData: big, segmentData: new Map([['/x', big.subarray(1)]]) }),
  'large text, narrow': page({ html: 'é'.repeat(20_000) }),
  'large text, wide': page({ html: 'ﬀ😀'.repeat(20_000) }),
  'large text, broken': page({ html: `${'x'.repeat(20_000)}\uD800` }),
  '5 MB': page({ html: '<p>0123456789</p>'.repeat(310_000) }),
}

export const routes = {
  text: {
    kind: 'APP_ROUTE',
    body: Buffer.from('{"ok":true}'),
    status: 200,
    headers: { 'content-type': 'a/b' },
  },
  'all bytes': {
    kind: 'APP_ROUTE',
    body: everyByte,
    status: 200,
    headers: { 'set-cookie': ['a=1', 'b=2'] },
  },
  empty: { kind: 'APP_ROUTE', body: Buffer.alloc(0), status: 204, headers: {} },
  large: { kind: 'APP_ROUTE', body: big, status: 200, headers: {} },
}

export const pagesRouter = {
  page: { kind: 'PAGES', html: '<p></p>', pageData: { pageProps: { n: [1, null] } }, status: 200 },
  'page with headers': {
    kind: 'PAGES',
    html: '',
    pageData: {},
    headers: { a: ['b'] },
    status: 404,
  },
  'page of nulls': { kind: 'PAGES', html: '', pageData: null, headers: null, status: null },
  redirect: { kind: 'REDIRECT', props: { pageProps: { __N_REDIRECT: '/b' } } },
  'notFound: true': null,
}

const { data } = fetched('')
const lasting = (data) => ({ kind: 'FETCH', data, revalidate: 4_294_967_294 })

export const fetches = {
  fetch: lasting({ ...data, headers: { 'content-type': 'x' }, body: everyByte.toString('base64') }),
  'fetch of nothing': lasting({ ...data, body: '' }),
  'large fetch': lasting({ ...data, body: big.toString('base64') }),
  'unstable_cache of an object': lasting({ headers: {}, body: '{"a":"ä"}', status: 200, url: '' }),
}

export const image = (buffer) => ({
  kind: 'IMAGE',
  buffer,
  etag: 'e',
  upstreamEtag: 'u',
  extension: 'avif',
  revalidate: 60,
})

export const texts = {
  empty: '',
  ascii: 'plain "quoted" \\ \0 \u2028',
  'latin-1 boundary': '\u00FF',
  'past latin-1': '\u00FF\u0100',
  emoji: '👩‍👩‍👧‍👦 😀',
  'lone high surrogate': 'a\uD83Db',
  'lone low surrogate': '\uDE00a',
  'surrogates in the wrong order': '\uDE00\uD83D',
}

/** A page and a fetch that hold a text wherever one may stand. */
export function textual(text) {
  const value = page({ html: text, headers: { 'x-text': text }, postponed: text })
  value.segmentData = new Map([[`/${text}`, Buffer.from('s')]])
  const data = { headers: { [`x-${text}`]: text }, body: text, url: text }
  return { value, entry: fetched(text, { data }) }
}
