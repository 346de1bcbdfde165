import { compliesOn } from './support.mjs'

compliesOn('single')
