// @ts-check
/** As load.mjs, for a package whose ES modules import `next/constants`, which only a bundler finds. */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** @param {string} name @returns {Promise<any>} */
export const load = async (name) => require(name)
