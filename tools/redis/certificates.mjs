import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const DAYS = '2'
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

const EXTENSIONS = {
  server: 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n',
  client: 'extendedKeyUsage=clientAuth\n',
}

/**
 * A certificate authority of its own in `dir`, and the certificates it signed: of a server for
 * `localhost` and 127.0.0.1, and of a client.
 *
 * @typedef {{ cert: string, key: string }} Pair paths of PEM files
 * @returns {{ ca: string, server: Pair, client: Pair,
 *   texts: { ca: string, cert: string, key: string } }} `texts`: PEM texts for a client
 */
export function certificates(dir, days = DAYS) {
  const at = (name) => join(dir, name)
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' })
  const issuer = ['-CA', at('ca.pem'), '-CAkey', at('ca.key')]
  const lasting = ['-days', DAYS]
  const authority = ['-subj', '/CN=tests', '-keyout', at('ca.key'), '-out', at('ca.pem')]
  openssl('req', '-x509', ...KEY, ...lasting, ...authority)
  const sign = (name) => {
    const [request, extensions] = [at(`${name}.csr`), at(`${name}.ext`)]
    const pair = { cert: at(`${name}.pem`), key: at(`${name}.key`) }
    writeFileSync(extensions, EXTENSIONS[name])
    openssl('req', ...KEY, '-subj', `/CN=${name}`, '-keyout', pair.key, '-out', request)
    const serial = ['-CAcreateserial', '-extfile', extensions]
    const until = ['-days', name === 'server' ? days : DAYS]
    openssl('x509', '-req', '-in', request, ...issuer, ...serial, ...until, '-out', pair.cert)
    return pair
  }
  const [server, client] = [sign('server'), sign('client')]
  const [ca, cert, key] = [at('ca.pem'), client.cert, client.key].map((file) =>
    readFileSync(file, 'utf8'),
  )
  return { ca: at('ca.pem'), server, client, texts: { ca, cert, key } }
}

/** The same, and that of the server has expired. */
export function expired(dir) {
  const all = certificates(dir, '-1')
  return { ...all, texts: { ...all.texts, rejectUnauthorized: false } }
}
