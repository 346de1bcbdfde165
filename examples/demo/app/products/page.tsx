import type { Metadata } from 'next'
import { cacheLife, cacheTag } from 'next/cache'
import { cache } from 'tiercel/app'
import { Cached } from '../../components/cached'
import { Lesson, type LessonText } from '../../components/lesson'
import { newGeneration, slowly } from '../../lib/generation'
import { endProducts, expireTag } from '../actions'

const lesson: LessonText = {
  title: 'cache',
  lede: "One tag for what Next.js keeps and for what your own code keeps. The list below is a 'use cache' function, the stock a value of cache.getOrSet, which works in a queue consumer or a script as well.",
  heading: 'The answers',
  reload: 'Both stay as they are.',
  invalidations: [
    {
      label: "updateTag('products')",
      effect: 'The function of Next.js. It ends the stock too.',
      done: 'Both were invalidated and generated again.',
      run: expireTag.bind(null, 'products'),
    },
    {
      label: "cache.invalidateTags('products')",
      effect: 'The call of your own code. It ends the list too, everywhere once it has resolved.',
      done: 'Both were invalidated and generated again.',
      run: endProducts,
    },
  ],
  steps: [
    'Reload. Neither function runs again.',
    'Invalidate with either call. Both answers have a new pattern.',
  ],
  code: `import { cache } from 'tiercel/app'

async function list() {
  'use cache'
  cacheLife('max')
  cacheTag('products')
  return database.products()
}

const stock = () =>
  cache.getOrSet('stock', () => warehouse.count(), {
    tags: ['products'],
    revalidate: '10m',
  })`,
}

export const metadata: Metadata = { title: lesson.title }

async function list() {
  'use cache'
  cacheLife('max')
  cacheTag('products')
  await slowly()
  return { generation: await newGeneration('list'), names: ['Hood', 'Jesses', 'Glove'] }
}

async function countStock() {
  await slowly()
  const generation = await newGeneration('stock')
  return { generation, count: 100 - (generation.number % 100) }
}

const stock = () => cache.getOrSet('stock', countStock, { tags: ['products'], revalidate: '10m' })

export default function Products() {
  return (
    <Lesson {...lesson}>
      <Cached name="list" label="Products, by 'use cache'" read={list}>
        {({ names }) => names.join(', ')}
      </Cached>
      <Cached name="stock" label="In stock, by cache.getOrSet" read={stock}>
        {({ count }) => (
          <>
            {count} <small>pieces</small>
          </>
        )}
      </Cached>
    </Lesson>
  )
}
