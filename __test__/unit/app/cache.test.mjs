import { createRequire } from 'node:module'
import { complies } from './cache-suite.mjs'

complies('in one process', () => createRequire(import.meta.url)('../../../app.js'))
