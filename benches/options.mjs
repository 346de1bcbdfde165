// @ts-check
/** What a bench was asked for. */
import { parseArgs } from 'node:util'

export const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    json: { type: 'boolean' },
    only: { type: 'string', default: '' },
    quick: { type: 'boolean' },
  },
})
