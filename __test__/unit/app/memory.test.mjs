import { createRequire } from 'node:module'
import { complies } from './suite.mjs'

complies('in one process', () => createRequire(import.meta.url)('../../../app.js'))
