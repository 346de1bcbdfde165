// @ts-check
/** The options of a bench. */
import { parseArgs } from 'node:util'

export const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    json: { type: 'boolean' },
    only: { type: 'string', default: '' },
    quick: { type: 'boolean' },
  },
})
