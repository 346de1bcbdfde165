// @ts-check
/** Modules are found from here. */

/** @param {string} name @returns {Promise<any>} */
export const load = (name) => import(name)
