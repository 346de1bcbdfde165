import { describe } from 'vitest'
import { findServer, start } from '../../tools/redis/servers.mjs'
import { complies } from './compliance.mjs'

// Servers of another make or age.

for (const [kind, title] of [
  ['redis60', 'on Redis 6.0'],
  ['redis6', 'on Redis 6.2'],
  ['valkey', 'on Valkey 9'],
]) {
  const { missing } = await findServer(kind)
  describe.skipIf(missing)(missing ?? 'another make', () => {
    complies(title, async () => {
      const server = await start(kind)
      return { server, env: { TIERCEL_REDIS_URL: server.url } }
    })
  })
}
