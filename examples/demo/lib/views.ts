import { counter } from 'tiercel/app'

/** Views of the pages of this demo. Adds leave together, a few times a second. */
export const views = counter('views', { flushMs: 200 })
