import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { directory, index, write } from '../support.mjs'

// The code in docs/hooks.md, against stand-ins of the services that it calls.

const page = readFileSync(join(dirname(index), 'docs/hooks.md'), 'utf8')

/** The function of a recipe, as a module that begins in this environment. */
async function recipe(test, name, env) {
  return (await moduleOf(test, name, env)).purge
}

async function moduleOf(test, name, env) {
  const dir = directory(test)
  for (const one of [name, 'shown']) {
    const code = page.split('```js\n').find((block) => block.startsWith(`// purge/${one}.mjs\n`))
    write(dir, { [`${one}.mjs`]: code.split('```')[0] })
  }
  Object.assign(process.env, env)
  return import(join(dir, `${name}.mjs`))
}

let server
/** What the stand-in was asked, and what it answers. */
let asked
let answer
let url
beforeEach(async () => {
  asked = []
  answer = () => ({ status: 200, body: '{"success":true}' })
  server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const { method, url, headers } = request
    const one = { method, url, headers, body }
    asked.push(one)
    const { status, body: text } = answer(one)
    response.writeHead(status).end(text)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${server.address().port}`
})
afterEach(() => server.close())

const event = (more) => ({
  tags: [],
  paths: [],
  soft: false,
  everything: false,
  position: 1796031730998211,
  attempt: 1,
  signal: AbortSignal.timeout(10_000),
  ...more,
})

describe('Cloudflare', () => {
  const env = () => ({
    CLOUDFLARE_API: url,
    CLOUDFLARE_ZONE: 'zone',
    CLOUDFLARE_TOKEN: 'token',
    SITE: 'https://shop.example',
  })
  const bodies = () => asked.map(({ body }) => JSON.parse(body))

  test('by URL and by tag, 30 at a time', async (test) => {
    const purge = await recipe(test, 'cloudflare', env())
    const tags = Array.from({ length: 31 }, (_, n) => `tag ${n}`)
    const patterns = ['/shop/layout', '/(site)/größen/[slug]/page']
    await purge(event({ tags, paths: ['/blog/größe', '/@alice', '/', '/about/page', ...patterns] }))
    expect(bodies()).toEqual([
      {
        files: [
          'https://shop.example/blog/gr%C3%B6%C3%9Fe',
          'https://shop.example/@alice',
          'https://shop.example/',
          'https://shop.example/about',
        ],
      },
      { prefixes: ['shop.example/shop', 'shop.example/gr%C3%B6%C3%9Fen'] },
      { tags: tags.slice(0, 30) },
      { tags: ['tag 30'] },
    ])
    expect(asked[0]).toMatchObject({ method: 'POST', url: '/zones/zone/purge_cache' })
    expect(asked[0].headers.authorization).toBe('Bearer token')
  })

  test.for([{ everything: true }, { paths: ['/layout'] }, { paths: ['/[locale]/about/page'] }])(
    'everything at once for %j',
    async (more, test) => {
      const purge = await recipe(test, 'cloudflare', env())
      await purge(event(more))
      expect(bodies()).toEqual([{ purge_everything: true }])
    },
  )

  test('a refusal is a failure, so that it is repeated', async (test) => {
    const purge = await recipe(test, 'cloudflare', env())
    answer = () => ({ status: 403, body: '{"success":false,"errors":[{"code":10000}]}' })
    await expect(purge(event({ tags: ['a'] }))).rejects.toThrow('10000')
  })
})

describe('Fastly', () => {
  const env = () => ({ FASTLY_API: url, FASTLY_SERVICE: 'service', FASTLY_TOKEN: 'token' })

  test.for([
    [false, undefined],
    [true, '1'],
  ])('by key, soft: %s', async ([soft, header], test) => {
    const { keyOf, purge } = await moduleOf(test, 'fastly', env())
    const tags = ['posts', 'post:7', 'a/b?c=d&e', 'two words', 'größe']
    await purge(event({ tags, paths: ['/blog/[slug]/page'], soft }))
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatchObject({ method: 'POST', url: '/service/service/purge' })
    expect(asked[0].headers).toMatchObject({
      'fastly-key': 'token',
      'surrogate-key': 'posts post:7 a/b?c=d&e two%20words gr%C3%B6%C3%9Fe /blog/[slug]/page',
    })
    // As the app names them.
    expect(asked[0].headers['surrogate-key']).toContain(tags.map(keyOf).join(' '))
    expect(asked[0].headers['fastly-soft-purge']).toBe(header)
  })

  test('256 keys at a time, and everything at once', async (test) => {
    const purge = await recipe(test, 'fastly', env())
    await purge(event({ tags: Array.from({ length: 257 }, (_, n) => `${n}`) }))
    expect(asked.map(({ headers }) => headers['surrogate-key'].split(' ').length)).toEqual([256, 1])
    await purge(event({ everything: true }))
    expect(asked.at(-1).url).toBe('/service/service/purge_all')
  })

  test('a refusal is a failure', async (test) => {
    const purge = await recipe(test, 'fastly', env())
    answer = () => ({ status: 401, body: 'no' })
    await expect(purge(event({ tags: ['a'] }))).rejects.toThrow('Fastly: 401 no')
  })
})

describe('CloudFront', () => {
  const SECRET = 'wJalrXUtnFEMI/K7MDENG'
  const env = () => ({
    CLOUDFRONT_API: url,
    DISTRIBUTION: 'EDFDVBD6EXAMPLE',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: SECRET,
  })

  /** As the service recomputes it from what has arrived. */
  function isSigned({ method, url, headers, body }) {
    const [, date, names, signature] =
      /Credential=AKIDEXAMPLE\/(\d{8})\/us-east-1\/cloudfront\/aws4_request, SignedHeaders=([\w;-]+), Signature=(\w{64})$/.exec(
        headers.authorization,
      )
    const sha256 = (text) => createHash('sha256').update(text).digest('hex')
    const hmac = (key, text) => createHmac('sha256', key).update(text).digest()
    const canonical = names.split(';').map((name) => `${name}:${headers[name]}`)
    const request = `${method}\n${url}\n\n${canonical.join('\n')}\n\n${names}\n${sha256(body)}`
    const scope = `${date}/us-east-1/cloudfront/aws4_request`
    const text = `AWS4-HMAC-SHA256\n${headers['x-amz-date']}\n${scope}\n${sha256(request)}`
    let key = `AWS4${SECRET}`
    for (const part of [date, 'us-east-1', 'cloudfront', 'aws4_request']) key = hmac(key, part)
    return names.includes('host') && hmac(key, text).toString('hex') === signature
  }

  test('by path, signed, and the same when it is repeated', async (test) => {
    const purge = await recipe(test, 'cloudfront', env())
    for (let attempt = 1; attempt < 3; attempt++) {
      const paths = ['/blog/größe', '/shop/layout', '/a&b', '/docs/[...all]/page', '/b/page']
      await purge(event({ paths, attempt }))
    }
    const [one, other] = asked
    expect(one).toMatchObject({
      method: 'POST',
      url: '/2020-05-31/distribution/EDFDVBD6EXAMPLE/invalidation',
    })
    expect(one.body).toContain('<Quantity>5</Quantity>')
    const paths = [...one.body.matchAll(/<Path>(.*?)<\/Path>/g)].map(([, path]) => path)
    expect(paths).toEqual(['/blog/gr%C3%B6%C3%9Fe', '/shop*', '/a&#38;b', '/docs*', '/b'])
    expect(one.body).toContain('<CallerReference>tiercel-1796031730998211</CallerReference>')
    expect(other.body).toBe(one.body)
    expect([one, other].every(isSigned)).toBe(true)
    expect(isSigned({ ...one, body: `${one.body} ` })).toBe(false)
  })

  test.for([
    { tags: ['a'] },
    { tags: ['a'], paths: ['/blog'] },
    { paths: ['/layout'] },
    { everything: true },
  ])('all for %j', async (more, test) => {
    const purge = await recipe(test, 'cloudfront', env())
    await purge(event(more))
    expect(asked[0].body).toContain('<Items><Path>/*</Path></Items>')
  })

  test('a refusal is a failure', async (test) => {
    const purge = await recipe(test, 'cloudfront', env())
    answer = () => ({ status: 403, body: 'SignatureDoesNotMatch' })
    await expect(purge(event({ paths: ['/'] }))).rejects.toThrow('SignatureDoesNotMatch')
  })
})

describe('nginx', () => {
  test('renews what it keeps', async (test) => {
    const env = { NGINX: `${url},${url}`, NGINX_SECRET: 'secret' }
    const purge = await recipe(test, 'nginx', env)
    let origin = 'old'
    const kept = new Map()
    answer = ({ url, headers }) => {
      if (!kept.has(url) || headers['x-renew'] === 'secret') kept.set(url, origin)
      return { status: 200, body: kept.get(url) }
    }
    const visit = () => answer({ url: '/blog', headers: {} }).body
    expect(visit()).toBe('old')
    origin = 'new'
    expect(visit()).toBe('old')
    await purge(event({ paths: ['/blog/page'] }))
    expect(visit()).toBe('new')
    expect(asked).toHaveLength(2)
    expect(asked[0]).toMatchObject({ method: 'GET', url: '/blog' })
    expect(asked[0].headers.rsc).toBeUndefined()
  })

  test.for([
    [{ paths: ['/blog/[slug]/page'] }, ['/blog', '/blog/gr%C3%B6%C3%9Fe']],
    [{ paths: ['/shop/layout', '/blog'] }, ['/blog', '/shop/a']],
    [{ tags: ['posts'] }, ['/', '/blog', '/blog/gr%C3%B6%C3%9Fe', '/shop/a']],
    [{ everything: true }, ['/', '/blog', '/blog/gr%C3%B6%C3%9Fe', '/shop/a']],
  ])('%j is what the sitemap lists of it', async ([more, pages], test) => {
    const env = { NGINX: url, NGINX_SECRET: 'secret', SITEMAP: `${url}/sitemap.xml` }
    const purge = await recipe(test, 'nginx', env)
    const listed = ['/', '/blog', '/blog/gr%C3%B6%C3%9Fe', '/shop/a'].map(
      (path) => `<url><loc>https://shop.example${path}</loc></url>`,
    )
    answer = ({ url }) => ({ status: 200, body: url === '/sitemap.xml' ? listed.join('') : '' })
    await purge(event(more))
    const renewed = asked.filter(({ headers }) => headers['x-renew'] === 'secret')
    expect(renewed.map(({ url }) => url).toSorted()).toEqual(pages)
    // It knows what is asked for only if it could read the list.
    answer = () => ({ status: 404, body: '' })
    await expect(purge(event(more))).rejects.toThrow('sitemap')
  })

  test('a page that is gone is no failure, a server that fails is', async (test) => {
    const purge = await recipe(test, 'nginx', { NGINX: url })
    answer = () => ({ status: 404, body: '' })
    await purge(event({ paths: ['/gone'] }))
    answer = () => ({ status: 502, body: '' })
    await expect(purge(event({ paths: ['/blog'] }))).rejects.toThrow('502')
  })
})

test('every recipe there is is tried here', () => {
  const names = [...page.matchAll(/^\/\/ purge\/(\w+)\.mjs$/gm)].map(([, name]) => name)
  expect(names).toEqual(['shown', 'cloudflare', 'fastly', 'cloudfront', 'nginx'])
})
