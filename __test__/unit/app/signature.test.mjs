import { spawnSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { index } from '../support.mjs'

process.env.TIERCEL_REDIS_URL = 'none'
const { verifySignature } = createRequire(index)('./app.js')

const SECRET = 'a secret of both'
const BODY = '{"slug":"größe"}'
const of = (text, encoding = 'hex', secret = SECRET) =>
  createHmac('sha256', secret).update(text).digest(encoding)
const webhook = (headers, body = BODY) =>
  new Request('http://localhost/hook', { method: 'POST', headers, body })
const seconds = (ago = 0) => String(Math.floor(Date.now() / 1_000) - ago)
const plain = { secret: SECRET, header: 'x-signature' }

/** The options that docs/webhooks.md has for senders. */
const page = readFileSync(join(dirname(index), 'docs/webhooks.md'), 'utf8')
const sender = (name) => {
  const block = new RegExp(`^\\| ${name} \\| \`(\\{.+\\})\` \\|$`, 'm').exec(page)
  return { secret: SECRET, ...new Function(`return (${block[1].replaceAll('&#124;', '|')})`)() }
}

describe('senders in the documentation', () => {
  const now = seconds()
  const ms = String(Date.now())
  const id = 'msg_1'
  const signatures = {
    GitHub: { 'x-hub-signature-256': `sha256=${of(BODY)}` },
    Shopify: { 'x-shopify-hmac-sha256': of(BODY, 'base64') },
    Stripe: { 'stripe-signature': `t=${now},v1=${of(`${now}.${BODY}`)},v0=${'0'.repeat(64)}` },
    Sanity: { 'sanity-webhook-signature': `t=${ms},v1=${of(`${ms}.${BODY}`, 'base64url')}` },
    'Standard Webhooks': {
      'webhook-id': id,
      'webhook-timestamp': now,
      'webhook-signature': `v1,${of('other', 'base64')} v1,${of(`${id}.${now}.${BODY}`, 'base64')}`,
    },
  }

  test.for(Object.keys(signatures))('%s', async (name) => {
    expect(await verifySignature(webhook(signatures[name]), sender(name))).toEqual({
      ok: true,
      body: BODY,
    })
    const changed = await verifySignature(webhook(signatures[name], `${BODY} `), sender(name))
    expect(changed).toEqual({ ok: false, reason: 'mismatch' })
    const other = { ...sender(name), secret: 'another' }
    expect((await verifySignature(webhook(signatures[name]), other)).ok).toBe(false)
  })

  test('all of them are tried here', () => {
    const rows = [...page.matchAll(/^\| ([\w ]+) \| `\{/gm)].map(([, name]) => name)
    expect(rows).toEqual(Object.keys(signatures))
  })
})

test('the commands there are those of the command line', () => {
  const { stdout } = spawnSync(process.execPath, [
    join(dirname(index), 'bin/tiercel.js'),
    'purge',
    '--help',
  ])
  const commands = page.match(/tiercel purge .*/g)
  expect(commands.length).toBeGreaterThan(1)
  for (const flag of commands.join(' ').match(/--[a-z-]+/g)) expect(String(stdout)).toContain(flag)
})

test('whoever signs in a way of its own is verified by a function', async () => {
  const options = {
    ...plain,
    format: 'sign={signature}, t={timestamp}',
    encoding: 'base64',
    signed: ({ body, timestamp, header }) =>
      JSON.stringify({ body, timestamp, env: header('X-Env') }),
  }
  const t = String(Date.now())
  const signature = of(JSON.stringify({ body: BODY, timestamp: t, env: 'main' }), 'base64')
  const headers = { 'x-signature': `sign=${signature}, t=${t}`, 'x-env': 'main' }
  expect(await verifySignature(webhook(headers), options)).toEqual({ ok: true, body: BODY })
  headers['x-env'] = 'other'
  expect((await verifySignature(webhook(headers), options)).reason).toBe('mismatch')
})

test('one of several secrets is enough, as text or bytes', async () => {
  const request = () => webhook({ 'x-signature': of(BODY) })
  for (const secret of [['new', SECRET], Buffer.from(SECRET), [Buffer.from('new'), SECRET]]) {
    expect((await verifySignature(request(), { ...plain, secret })).ok).toBe(true)
  }
  expect((await verifySignature(request(), { ...plain, secret: ['new', 'newer'] })).ok).toBe(false)
})

test.for([
  ['without the header', {}, 'missing'],
  ['an empty one', { 'x-signature': '' }, 'missing'],
  ['a short one', { 'x-signature': 'abc' }, 'malformed'],
  ['one byte too many', { 'x-signature': `${of(BODY)}00` }, 'malformed'],
  ['no hex', { 'x-signature': `${of(BODY).slice(1)}g` }, 'malformed'],
  ['something in front', { 'x-signature': `sha256=${of(BODY)}` }, 'malformed'],
  ['of another body', { 'x-signature': of(`${BODY}.`) }, 'mismatch'],
])('%s is refused', async ([, headers, reason]) => {
  expect(await verifySignature(webhook(headers), plain)).toEqual({ ok: false, reason })
})

describe('the timestamp', () => {
  const options = { ...plain, timestampHeader: 'x-time', tolerance: '1m' }
  const at = (time) => webhook({ 'x-time': time, 'x-signature': of(`${time}.${BODY}`) })

  test.for([
    [seconds(), undefined],
    [seconds(50), undefined],
    [seconds(-50), undefined],
    [String(Date.now() - 50_000), undefined],
    [seconds(70), 'expired'],
    [seconds(-70), 'expired'],
    [String(Date.now() - 70_000), 'expired'],
    ['soon', 'expired'],
    ['-1', 'expired'],
    ['', 'malformed'],
  ])('%s: %s', async ([time, reason]) => {
    expect((await verifySignature(at(time), options)).reason).toBe(reason)
  })

  test('is signed, too', async () => {
    const time = seconds(10)
    const headers = { 'x-time': seconds(), 'x-signature': of(`${time}.${BODY}`) }
    expect((await verifySignature(webhook(headers), options)).reason).toBe('mismatch')
  })
})

test('a signed header that is absent is missing', async () => {
  const options = { ...plain, signed: '{x-id}.{body}' }
  const request = (more) => webhook({ 'x-signature': of(`7.${BODY}`), ...more })
  expect((await verifySignature(request({ 'x-id': '7' }), options)).ok).toBe(true)
  expect((await verifySignature(request(), options)).reason).toBe('missing')
})

test('a large body is not read to its end', async () => {
  const request = webhook({ 'x-signature': of(BODY) }, 'x'.repeat(100))
  const answer = await verifySignature(request, { ...plain, maxBytes: 99 })
  expect(answer).toEqual({ ok: false, reason: 'too-large' })
  const fits = webhook({ 'x-signature': of('x'.repeat(99)) }, 'x'.repeat(99))
  expect((await verifySignature(fits, { ...plain, maxBytes: 99 })).ok).toBe(true)
})

test.for([
  ['no signature', {}, 'missing'],
  ['no hash', { 'x-signature': 'abc', 'x-time': seconds(), 'x-id': '7' }, 'malformed'],
  ['an old one', { 'x-signature': of(BODY), 'x-time': seconds(900), 'x-id': '7' }, 'expired'],
  ['one header less', { 'x-signature': of(BODY), 'x-time': seconds() }, 'missing'],
  [
    'a body that is announced as too long',
    { 'x-signature': of(BODY), 'x-time': seconds(), 'x-id': '7', 'content-length': '1001' },
    'too-large',
  ],
])('of a request with %s the body is not read', async ([, headers, reason]) => {
  let isRead = false
  const pull = (controller) => {
    isRead = true
    controller.close()
  }
  // Nothing is pulled before somebody reads.
  const body = new ReadableStream({ pull }, { highWaterMark: 0 })
  const options = {
    timestampHeader: 'x-time',
    signed: '{x-id}.{timestamp}.{body}',
    maxBytes: 1_000,
  }
  const request = new Request('http://localhost/', {
    method: 'POST',
    headers,
    body,
    duplex: 'half',
  })
  expect(await verifySignature(request, { ...plain, ...options })).toEqual({ ok: false, reason })
  expect([isRead, request.bodyUsed]).toEqual([false, false])
})

test('of the Pages Router, and of any server of Node.js, too', async ({ onTestFinished }) => {
  const server = createServer(async (request, response) => {
    response.end(JSON.stringify(await verifySignature(request, plain)))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => server.close())
  await once(server, 'listening')
  const send = async (signature) => {
    const headers = { 'x-signature': signature }
    const url = `http://127.0.0.1:${server.address().port}`
    return (await fetch(url, { method: 'POST', headers, body: BODY })).json()
  }
  expect(await send(of(BODY))).toEqual({ ok: true, body: BODY })
  expect(await send(of('other'))).toEqual({ ok: false, reason: 'mismatch' })
})

test.for([
  ['no secret', { secret: undefined }],
  ['an empty secret', { secret: '' }],
  ['no secrets', { secret: [] }],
  ['an empty one of several', { secret: [SECRET, ''] }],
  ['no header', { header: undefined }],
  ['a format without a signature', { format: 'sha256=' }],
  ['another encoding', { encoding: 'base32' }],
  ['a body that is not signed', { signed: '{timestamp}' }],
  ['a timestamp that is not signed', { timestampHeader: 'x-time', signed: '{body}' }],
  ['a timestamp from nowhere', { signed: '{timestamp}.{body}' }],
  ['an empty name of a header', { timestampHeader: '' }],
  ['an empty one, and another source', { timestampHeader: '', format: '{timestamp},{signature}' }],
  ['no tolerance', { tolerance: 0 }],
  ['an unknown option', { secrets: [SECRET] }],
])('%s is an error, and nobody is let in', async ([, more]) => {
  const request = webhook({ 'x-signature': of(BODY) })
  const code = 'TIERCEL_INVALID_ARGUMENT'
  await expect(verifySignature(request, { ...plain, ...more })).rejects.toMatchObject({ code })
})

test('a body that was read before is an error, also of who has not signed it', async () => {
  const code = 'TIERCEL_INVALID_ARGUMENT'
  for (const headers of [{ 'x-signature': of(BODY) }, {}]) {
    const request = webhook(headers)
    await request.text()
    await expect(verifySignature(request, plain)).rejects.toMatchObject({ code })
  }
})

test('a secret is never in an error', async () => {
  const failing = verifySignature(webhook({}), { ...plain, secret: [SECRET, 7] })
  await expect(failing).rejects.toThrow(/secret/)
  await expect(failing).rejects.not.toThrow(SECRET)
})
