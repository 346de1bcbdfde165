import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnGuarded } from '../guarded.mjs'
import { freePorts } from '../ports.mjs'
import { until } from '../time.mjs'
import { findServer } from './binaries.mjs'
import { certificates } from './certificates.mjs'
import { connect } from './client.mjs'

/** Another process may take a port between our look and the server's. */
const PORT_ATTEMPTS = 5
const CLASH = /Address already in use|Failed listening on port/

/** The user that tests use themselves when a server has an ACL file. */
export const TESTS = { username: 'tests', password: 'of-the-tests' }

/**
 * @typedef {object} ServerOptions
 * @property {'redis' | 'valkey' | 'redis6' | 'redis60'} [server] which program; default `redis`
 * @property {boolean} [unixsocket] listens on `server.socket`, too
 * @property {string} [requirepass]
 * @property {string[]} [users] lines of an ACL file without the word `user`, such as
 *   `default off` or `app on >secret ~app:* &* +@all`
 * @property {string} [maxmemory]
 * @property {boolean} [appendonly] keeps its data over a `restart()`; default false
 * @property {Record<string, string | string[]>} [settings] any other line of redis.conf
 * @property {boolean | ReturnType<typeof certificates>} [tls] speaks TLS only; `true` makes
 *   certificates, which are then `server.tls`
 * @property {'no' | 'optional' | 'yes'} [authClients] whether a TLS client has to show a
 *   certificate; default `no`
 *
 * @typedef {object} Part options that a group of servers adds
 * @property {'sentinel' | 'cluster'} [mode]
 * @property {string} [within] a directory of the group, which goes with the group
 */

/** Whether it is from before Redis 7. */
export const isOld = (server = 'redis') => server.startsWith('redis6')

/** A new directory for files of servers. */
export const temporary = () => mkdtempSync(join(tmpdir(), 'tiercel-redis-'))

/** One server process on loopback. */
export class Server {
  host = '127.0.0.1'
  #binary
  #options
  folder
  #args = []
  /** @type {ReturnType<typeof spawnGuarded> | undefined} */
  #child
  #admin

  /** @param {ServerOptions & Part} [options] */
  static async start(options = {}) {
    const { binary, missing } = await findServer(options.server ?? 'redis')
    if (missing) throw new Error(missing)
    const server = new Server(binary, options)
    try {
      await server.#launchOnFreePort()
    } catch (error) {
      await server.stop()
      throw error
    }
    return server
  }

  constructor(binary, options) {
    this.#binary = binary
    this.#options = options
    this.folder = options.within ? mkdtempSync(join(options.within, 'server-')) : temporary()
    this.tls = options.tls === true ? certificates(this.folder) : options.tls || undefined
  }

  get pid() {
    return this.#child?.pid
  }

  get isAlive() {
    return this.#child?.isAlive ?? false
  }

  /** The URL to connect to, with the password of the default user, if it has one. */
  get url() {
    const scheme = this.tls ? 'rediss' : 'redis'
    const password = this.#options.requirepass
    const credentials = password ? `:${encodeURIComponent(password)}@` : ''
    return `${scheme}://${credentials}${this.host}:${this.port}`
  }

  /** The output so far. */
  log() {
    return this.#child?.log() ?? ''
  }

  /** A connection of its own, as the tests' user unless `more` says another one. */
  client(more = {}) {
    const { users, requirepass } = this.#options
    const credentials = users ? TESTS : { password: requirepass }
    const secure = this.tls && { tls: this.tls.texts }
    return connect({ host: this.host, port: this.port, ...credentials, ...secure, ...more })
  }

  async command(...args) {
    return (await this.#connected()).command(...args)
  }

  async pipeline(commands) {
    return (await this.#connected()).pipeline(commands)
  }

  /** The lines of INFO, by name. */
  async info(section = 'default') {
    const text = await this.command('INFO', section)
    const lines = text.split('\r\n').filter((line) => line && !line.startsWith('#'))
    return Object.fromEntries(lines.map((line) => line.split(/:(.*)/s, 2)))
  }

  /** Freezes it: connections stay open, nothing answers. */
  pause() {
    this.#child?.pause()
  }

  resume() {
    this.#child?.resume()
  }

  /** Resolves when the process has ended. Its files stay, for `restart`. */
  async kill(signal = 'SIGKILL') {
    this.#admin?.close()
    await this.#child?.kill(signal)
  }

  /** Ends it in an orderly way, if it still runs, and starts it again: same port, same files. */
  async restart() {
    await this.kill('SIGTERM')
    await this.#launch()
  }

  /** Ends it and removes its files; a second call does nothing. */
  async stop() {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #connected() {
    if (!this.#admin?.isOpen) this.#admin = (await this.client()).unref()
    return this.#admin
  }

  async #launchOnFreePort() {
    for (let attempt = 1; ; attempt++) {
      const ports = await freePorts(this.#options.mode === 'cluster' ? 2 : 1)
      this.#configure(ports)
      try {
        return await this.#launch()
      } catch (error) {
        await this.kill()
        if (attempt === PORT_ATTEMPTS || !CLASH.test(this.log())) throw error
      }
    }
  }

  async #launch() {
    const log = join(this.folder, 'log')
    const command = [this.#binary, ...this.#args]
    const dir = this.#options.within ?? this.folder
    const child = spawnGuarded(command, { dir, log })
    this.#child = child
    await until(`a server answers at ${this.port}`, async () => {
      if (!child.isAlive) throw new Error('the server ended')
      const pid = await this.#answering().catch(() => undefined)
      return pid === child.pid ? true : undefined
    }).catch((error) => {
      throw new Error(`${error.message}\n${child.log()}`)
    })
  }

  /** The process that answers at our port: another one may have taken it first. */
  async #answering() {
    const client = await this.client({ patience: 500 })
    try {
      const info = await client.command('INFO')
      // While it reads its files it answers nothing else.
      if (/^loading:1/m.test(info)) return undefined
      return Number(/^process_id:(\d+)/m.exec(info)?.[1])
    } finally {
      client.close()
    }
  }

  #configure([port, busPort]) {
    this.port = port
    this.busPort = busPort
    const { mode, settings } = this.#options
    const common = { bind: this.host, dir: this.folder, ...this.#listening() }
    const all = { ...common, ...(mode === 'sentinel' ? {} : this.#storing()), ...settings }
    const lines = Object.entries(all).flatMap(([name, values]) =>
      [values].flat().map((value) => `${name} ${value}\n`),
    )
    const file = join(this.folder, 'server.conf')
    writeFileSync(file, lines.join(''))
    this.#args = mode === 'sentinel' ? [file, '--sentinel'] : [file]
  }

  #listening() {
    const { mode, authClients = 'no' } = this.#options
    if (!this.tls) return { port: this.port }
    const { ca, server } = this.tls
    return {
      port: 0,
      'tls-port': this.port,
      'tls-ca-cert-file': ca,
      'tls-cert-file': server.cert,
      'tls-key-file': server.key,
      'tls-auth-clients': authClients,
      'tls-replication': 'yes',
      ...(mode === 'cluster' && { 'tls-cluster': 'yes' }),
    }
  }

  /** Lines of a server that holds keys. */
  #storing() {
    const { mode, server, unixsocket, requirepass, users, maxmemory, appendonly } = this.#options
    if (unixsocket) this.socket = join(this.folder, 'sock')
    return {
      save: '""',
      appendonly: appendonly ? 'yes' : 'no',
      'repl-diskless-sync-delay': 0,
      // A replica is listed by CLUSTER SLOTS once it has received anything, a ping at the latest.
      'repl-ping-replica-period': 1,
      ...(!isOld(server) && { 'enable-debug-command': 'local' }),
      ...(unixsocket && { unixsocket: this.socket }),
      ...(requirepass && { requirepass, masterauth: requirepass }),
      ...(users && { aclfile: this.#aclFile(users) }),
      ...(maxmemory && { maxmemory }),
      ...(mode === 'cluster' && { 'cluster-enabled': 'yes', 'cluster-port': this.busPort }),
    }
  }

  #aclFile(users) {
    const file = join(this.folder, 'users.acl')
    // Redis 6.0 knows nothing of channels.
    const channels = this.#options.server === 'redis60' ? '' : '&* '
    const all = [...users, `${TESTS.username} on >${TESTS.password} ~* ${channels}+@all`]
    writeFileSync(file, all.map((user) => `user ${user}\n`).join(''))
    return file
  }
}
