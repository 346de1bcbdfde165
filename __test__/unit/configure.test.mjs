import { expect, test } from 'vitest'
import { inChild } from './support.mjs'

test.concurrent('configure gives back what it is called on', async () => {
  const run = ({ index }) => {
    const Tiercel = require(index)
    const Memory = require(index.replace('index.js', 'memory.js'))
    class Own extends Tiercel {}
    const { configure } = Tiercel
    return [
      Tiercel.configure() === Tiercel,
      Own.configure({}) === Own,
      configure() === Tiercel,
      Memory.configure() === Memory,
    ]
  }
  expect((await inChild(run)).answer).toEqual([true, true, true, true])
  const edge = { env: { NEXT_RUNTIME: 'edge' } }
  expect((await inChild(run, edge)).answer).toEqual([true, true, true, true])
})
