// @ts-check
/** Runs commands in order, with their time, and stops at the first that fails. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, quiet?: boolean }} [options]
 * @returns {Promise<string>} its output, if quiet
 */
export function run(command, args, { cwd = root, env = {}, quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      shell: process.platform === 'win32',
    })
    let out = ''
    child.stdout?.on('data', (chunk) => (out += chunk))
    child.stderr?.on('data', (chunk) => (out += chunk))
    child.on('error', (error) => reject(new Error(`${command}: ${error.message}`)))
    child.on('close', (code) => {
      if (code === 0) return resolve(out)
      reject(new Error(`${command} ${args.join(' ')} failed (${code})\n${out}`))
    })
  })
}

/**
 * @param {string} title
 * @param {() => Promise<unknown>} act
 */
export async function step(title, act) {
  const start = Date.now()
  console.log(`\n▸ ${title}`)
  await act()
  console.log(`  ${title}: ${((Date.now() - start) / 1000).toFixed(1)} s`)
}

/** @param {() => Promise<void>} act */
export async function main(act) {
  try {
    await act()
  } catch (error) {
    console.error(`\n✗ ${/** @type {Error} */ (error).message}`)
    process.exitCode = 1
  }
}
