import { compliesOn } from './support.mjs'

compliesOn('sentinel')
