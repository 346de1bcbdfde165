// @ts-check
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { freePort as firstFreePort } from '../../tools/ports.mjs'

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

/**
 * A port that a running demo does not use, and that the system gives no connection meanwhile: those
 * begin at 32768.
 */
export const freePort = () => firstFreePort(20_000 + Math.floor(Math.random() * 10_000))
