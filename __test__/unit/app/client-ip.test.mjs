import { createRequire } from 'node:module'
import { expect, test } from 'vitest'

const { clientIp } = createRequire(import.meta.url)('../../../js/app/client-ip.js')

const asked = (list, options) => clientIp({ headers: { 'x-forwarded-for': list } }, options)

test('what a client wrote into the header is not looked at', () => {
  expect(asked('6.6.6.6, 1.2.3.4')).toBe('1.2.3.4')
  expect(asked('6.6.6.6, 1.2.3.4, 10.0.0.1', { trustedHops: 2 })).toBe('1.2.3.4')
  // Who reaches the app past one of the proxies has no address, and not one of his choice.
  expect(asked('6.6.6.6', { trustedHops: 2 })).toBe(undefined)
  expect(asked('6.6.6.6, unknown')).toBe(undefined)
  expect(asked('', {})).toBe(undefined)
  expect(clientIp({ headers: {} })).toBe(undefined)
})

test('without a proxy the connection says it', () => {
  const request = {
    headers: { 'x-forwarded-for': '6.6.6.6' },
    socket: { remoteAddress: '1.2.3.4' },
  }
  expect(clientIp(request, { trustedHops: 0 })).toBe('1.2.3.4')
  expect(clientIp(new Request('http://h'), { trustedHops: 0 })).toBe(undefined)
})

test('it reads requests of both kinds, and headers', () => {
  const headers = new Headers({ 'x-forwarded-for': '1.2.3.4', 'x-real-ip': '5.6.7.8' })
  expect(clientIp(new Request('http://h', { headers }))).toBe('1.2.3.4')
  expect(clientIp(headers, { header: 'X-Real-IP' })).toBe('5.6.7.8')
  expect(clientIp({ headers: { 'x-forwarded-for': ['6.6.6.6', '1.2.3.4'] } })).toBe('1.2.3.4')
})

test('an address has one spelling, and an IPv6 network is one client', () => {
  expect(asked('1.2.3.4:8080')).toBe('1.2.3.4')
  expect(asked('::ffff:1.2.3.4')).toBe('1.2.3.4')
  expect(asked('[2001:DB8:1:2:3::4]:443')).toBe('2001:db8:1:2::/64')
  expect(asked('2001:db8:1:2:ffff::1')).toBe('2001:db8:1:2::/64')
  expect(asked('2001:db8:1:2::4', { ipv6Prefix: 128 })).toBe('2001:db8:1:2:0:0:0:4')
  expect(asked('2001:db8:1:ff2f::4', { ipv6Prefix: 56 })).toBe('2001:db8:1:ff00::/56')
  expect(asked('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
})

test('options are checked', () => {
  const invalid = expect.objectContaining({ code: 'TIERCEL_INVALID_ARGUMENT' })
  for (const bad of [{ trustedHops: -1 }, { trustedHops: '1' }, { hops: 1 }, { ipv6Prefix: 0 }]) {
    expect(() => asked('1.2.3.4', bad)).toThrow(invalid)
  }
})
