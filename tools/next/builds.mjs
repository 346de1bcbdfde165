import { cp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { distOf } from './support.mjs'

/**
 * A copy of a build with a BUILD_ID of its own, the only difference between two builds of one app.
 *
 * @param {{ folder: string }} app
 * @param {import('./support.mjs').Variant} variant the build
 * @param {string} label of the copy
 * @param {string} [id] its BUILD_ID; that of the build is `fixture`
 * @returns {Promise<string>} the label
 */
export async function copyBuild(app, variant, label, id = label) {
  const from = path.join(app.folder, distOf(variant))
  const to = path.join(app.folder, distOf({ ...variant, label }))
  await rm(to, { recursive: true, force: true })
  await cp(from, to, { recursive: true, filter: (file) => !file.endsWith('/standalone') })
  await writeFile(path.join(to, 'BUILD_ID'), id)
  return label
}
