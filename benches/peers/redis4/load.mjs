// @ts-check
/** Modules are found from here: see package.json. */

/** @param {string} name @returns {Promise<any>} */
export const load = (name) => import(name)
