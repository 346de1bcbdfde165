import { clientIp, kv, lock, rateLimit, sessions } from 'tiercel/app'

const limiter = rateLimit({ name: 'route', limit: 3, window: '1h' })
const logins = sessions()

export const GET = limiter.route(
  async (request) => {
    const id = logins.cookie.read(request)
    if (id) return Response.json({ session: await logins.get(id) })
    const count = await lock('count', () => kv('own').increment('count'))
    const session = await logins.create('user', { count }, { device: 'test' })
    return Response.json({ count }, { headers: { 'set-cookie': logins.cookie.serialize(session) } })
  },
  { id: (request) => clientIp(request, { trustedHops: 1 }) ?? 'unknown' },
)
