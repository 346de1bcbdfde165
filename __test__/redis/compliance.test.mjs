import { start } from '../../tools/redis/servers.mjs'
import { complies } from './compliance.mjs'

// One server: how it is reached makes no difference.

complies('in memory only', async () => ({ env: { TIERCEL_REDIS_URL: 'none' } }), { shared: false })

complies('on one server', async () => {
  const server = await start('single')
  return { server, env: { TIERCEL_REDIS_URL: server.url } }
})

complies('through a unix socket, in a database of its own', async () => {
  const server = await start('single', { unixsocket: true, requirepass: 'p@ss/word' })
  await server.command('SELECT', 3)
  const url = `unix://${server.socket}?db=3&password=${encodeURIComponent('p@ss/word')}`
  return { server, env: { TIERCEL_REDIS_URL: url } }
})

complies('with TLS, both sides proven', async () => {
  const server = await start('tls', { authClients: 'yes' })
  const { ca, client } = server.tls
  const files = {
    TIERCEL_REDIS_TLS_CA_FILE: ca,
    TIERCEL_REDIS_TLS_CERT_FILE: client.cert,
    TIERCEL_REDIS_TLS_KEY_FILE: client.key,
  }
  return { server, env: { TIERCEL_REDIS_URL: server.url, ...files } }
})
