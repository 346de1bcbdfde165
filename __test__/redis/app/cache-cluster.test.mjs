import { complies } from '../../unit/app/cache-suite.mjs'
import { compliesOn } from './support.mjs'

// What goes to the server: the rest does not know of it.
compliesOn('cluster', (title, api) => complies(title, api, ['generations', 'keys', 'many keys']))
