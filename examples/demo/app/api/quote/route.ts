import { cacheLife, cacheTag } from 'next/cache'
import { newGeneration, slowly } from '../../../lib/generation'

const quotes = [
  'Only the generation that runs can be late.',
  'A tag is a promise about many entries.',
  'Fresh is a fact, not a hope.',
  'What is not kept must be made again.',
  'The best answer is the one already known.',
  'Stale and served beats fresh and awaited.',
]

async function quote() {
  'use cache'
  cacheLife('hours')
  cacheTag('quote')
  await slowly()
  const generation = await newGeneration('quote')
  return { quote: quotes[generation.seed % quotes.length], generation }
}

/** Prerendered like a page, and kept as one response. */
export async function GET() {
  return Response.json(await quote())
}
