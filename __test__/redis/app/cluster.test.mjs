import { compliesOn } from './support.mjs'

compliesOn('cluster')
