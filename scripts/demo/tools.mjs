// @ts-check
/** Is what the demo needs there? Says what to install if it is not. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../tools/run.mjs'
import { DemoError, windows } from './child.mjs'

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 16)) return
  throw new DemoError(
    `Node.js 20.16 or newer is needed, this is ${process.versions.node}. See https://nodejs.org.`,
  )
}

export function checkRust() {
  const version = versionOf('cargo')
  if (!version)
    throw new DemoError(
      'Rust was not found. Install it with https://rustup.rs and open a new terminal.',
    )

  const needed = /^rust-version\s*=\s*"([\d.]+)"/m.exec(
    readFileSync(join(root, 'Cargo.toml'), 'utf8'),
  )?.[1]
  if (needed && older(version, needed)) {
    throw new DemoError(
      `Rust ${needed} or newer is needed, this is ${version}. Run \`rustup update\`.`,
    )
  }
  if (!windows && !['cc', 'gcc', 'clang'].some(versionOf)) {
    const hint =
      process.platform === 'darwin' ? 'xcode-select --install' : 'apt-get install build-essential'
    throw new DemoError(`A C compiler was not found. Install one, for example: ${hint}`)
  }
}

/** @param {string} tool */
function versionOf(tool) {
  try {
    const output = execFileSync(tool, ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return /\d+(\.\d+)+/.exec(output)?.[0] ?? 'unknown'
  } catch {
    return undefined
  }
}

/** @param {string} version @param {string} needed */
function older(version, needed) {
  const [have, want] = [version, needed].map((each) => each.split('.').map(Number))
  for (let index = 0; index < want.length; index++) {
    if ((have[index] ?? 0) !== want[index]) return (have[index] ?? 0) < want[index]
  }
  return false
}
