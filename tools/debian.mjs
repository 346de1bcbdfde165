// @ts-check
/** Packages of Debian, which tests need programs from. */
import { existsSync } from 'node:fs'
import { run } from './run.mjs'

/** Whether this process may install packages. */
export const canInstall = () => process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')

/**
 * Installs packages, without what is only recommended. Servers in them are not started.
 * @param {string[]} names
 */
export async function install(...names) {
  // At run level 1 packages do not start their services.
  const env = { RUNLEVEL: '1', DEBIAN_FRONTEND: 'noninteractive' }
  const options = ['-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120']
  await run('apt-get', ['update', '-qq'], { env, quiet: true })
  await run('apt-get', ['install', ...options, ...names], { env, quiet: true })
}
