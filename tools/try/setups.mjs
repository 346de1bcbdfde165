// @ts-check
/** The set-ups that people have. Each is a fresh app that follows the documentation by the letter. */

/**
 * @typedef {object} Setup
 * @property {string} name
 * @property {'npm' | 'pnpm' | 'yarn' | 'yarn-1' | 'bun'} manager
 * @property {'ts' | 'js'} language
 * @property {'snippet' | 'commonjs' | 'plain' | 'init'} config how next.config gets Tiercel
 * @property {'app' | 'workspace'} layout `workspace`: in `apps/web` of a repository
 * @property {'start' | 'standalone' | 'custom' | 'pm2'} server
 * @property {string} next the version of create-next-app: a range, or `canary`
 * @property {string} [node] the version of Node.js, if not the one that runs this
 * @property {'webpack'} [bundler]
 * @property {boolean} [isShort] also part of `npm run try -- --short`
 */

/** @type {Omit<Setup, 'name'>} */
const usual = {
  manager: 'npm',
  language: 'ts',
  config: 'snippet',
  layout: 'app',
  server: 'start',
  next: 'latest',
}

/** @type {Setup[]} */
export const setups = [
  { ...usual, name: 'npm-typescript', isShort: true },
  { ...usual, name: 'npm-javascript', language: 'js', config: 'init', isShort: true },
  { ...usual, name: 'npm-init', config: 'init' },
  { ...usual, name: 'npm-plain', language: 'js', config: 'plain' },
  { ...usual, name: 'npm-commonjs', language: 'js', config: 'commonjs' },
  { ...usual, name: 'npm-webpack', bundler: 'webpack' },
  { ...usual, name: 'pnpm', manager: 'pnpm' },
  { ...usual, name: 'yarn', manager: 'yarn' },
  { ...usual, name: 'yarn-1', manager: 'yarn-1', config: 'init' },
  { ...usual, name: 'bun', manager: 'bun' },
  { ...usual, name: 'npm-workspace', layout: 'workspace' },
  { ...usual, name: 'pnpm-workspace', manager: 'pnpm', layout: 'workspace' },
  { ...usual, name: 'yarn-workspace', manager: 'yarn', layout: 'workspace', config: 'init' },
  { ...usual, name: 'standalone', server: 'standalone' },
  { ...usual, name: 'standalone-pnpm', manager: 'pnpm', server: 'standalone' },
  { ...usual, name: 'custom-server', server: 'custom' },
  { ...usual, name: 'pm2', server: 'pm2' },
  { ...usual, name: 'node-20.16', node: '20.16.0' },
  { ...usual, name: 'node-22', node: '22' },
  { ...usual, name: 'node-24', node: '24' },
  { ...usual, name: 'next-16.0', next: '16.0' },
  { ...usual, name: 'next-16.1', next: '16.1' },
  { ...usual, name: 'next-16.2', next: '16.2' },
  { ...usual, name: 'next-16.3', next: '16.3' },
  { ...usual, name: 'next-canary', next: 'canary' },
]
