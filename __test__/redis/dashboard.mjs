/** `tiercel dashboard`, as a process, and a program that looks at it. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../bin/tiercel.js', import.meta.url))
const FOREIGN = /^(NODE_ENV|REDIS_URL|TIERCEL_.*|NEXT_.*|VITEST.*)$/
const plain = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !FOREIGN.test(name)),
)

/**
 * Starts it for an app; resolves once it says where it listens.
 * @returns {Promise<{ url: string, token: string, stop: () => Promise<number> }>}
 */
export async function served({ onTestFinished }, app, args = ['--port', '0']) {
  const child = spawn(process.execPath, [PROGRAM, 'dashboard', '--json', ...args], {
    cwd: app.cwd,
    env: { ...plain, ...app.env },
  })
  const ended = new Promise((resolve) => child.on('close', resolve))
  const stop = () => {
    child.kill('SIGINT')
    return ended
  }
  onTestFinished?.(stop)
  let [text, wrong] = ['', '']
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    wrong += chunk
  })
  const told = await new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk
      if (text.includes('\n')) resolve(JSON.parse(text))
    })
    ended.then((code) => reject(new Error(`it ended (${code}): ${wrong}`)))
  })
  return { ...told, stop }
}

/** What it answers to somebody with the token. */
export function client({ url, token }) {
  const headers = { authorization: `Bearer ${token}` }
  return {
    get: (path = '') => fetch(url + path, { headers }),
    async act(name, given, signal) {
      const body = JSON.stringify(given)
      return (await fetch(url + name, { method: 'POST', headers, body, signal })).json()
    },
    /** A viewer, who knows all sections as they were told last. */
    async look() {
      const over = new AbortController()
      const response = await fetch(`${url}events`, { headers, signal: over.signal })
      const known = {}
      const read = async () => {
        let text = ''
        for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
          text += chunk
          for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
            const [, data] = /^event: \w+\ndata: (.*)$/.exec(text.slice(0, end)) ?? []
            text = text.slice(end + 2)
            if (data) Object.assign(known, JSON.parse(data))
          }
        }
      }
      void read().catch(() => {})
      return { known, leave: () => over.abort() }
    },
  }
}
