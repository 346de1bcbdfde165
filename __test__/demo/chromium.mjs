// @ts-check
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { chromium } from 'playwright-core'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** The path of an installed Chromium. Throws when there is none: a test must not pass unseen. */
export function findChromium() {
  const found = [process.env.TIERCEL_CHROMIUM, ...PLACES].find(
    (place) => place && existsSync(place),
  )
  if (found) return found
  throw new Error(
    'Chromium was not found. Install it (Debian: apt-get install chromium), name it in ' +
      'TIERCEL_CHROMIUM, or set TIERCEL_SKIP_BROWSER=1 to skip these tests.',
  )
}

/** @param {string} executablePath */
export const launch = (executablePath) => chromium.launch({ executablePath, args: FLAGS })

/** A port chosen by the system, so that a running demo is not in the way. */
export async function freePort() {
  const probe = createServer().listen(0)
  await new Promise((done) => probe.once('listening', done))
  const address = probe.address()
  await new Promise((done) => probe.close(done))
  return address && typeof address === 'object' ? address.port : 0
}
