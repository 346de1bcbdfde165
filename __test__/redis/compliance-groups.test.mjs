import { start } from '../../tools/redis/servers.mjs'
import { complies } from './compliance.mjs'

// Servers that belong together.

complies('on a primary that Sentinels name', async () => {
  const server = await start('sentinel', { requirepass: 'secret' })
  const env = { TIERCEL_REDIS_URL: server.url, TIERCEL_REDIS_PASSWORD: 'secret' }
  return { server, env }
})

complies('on a cluster', async () => {
  const server = await start('cluster')
  return { server, env: { TIERCEL_REDIS_URL: server.url } }
})
